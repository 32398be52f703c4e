How large tables are, and how large everything was day by day (warehouse/growth.py). Noted by crm_loader, read by crm_app.

-- note --
insert into jobs.sizes (disk_used) values (%(disk_used)s::bigint)
-- A worker on another host than the server's sees no disk of it.
on conflict (noted_on) do update set disk_used = excluded.disk_used
where sizes.disk_used is null and excluded.disk_used is not null

-- forget --
delete from jobs.sizes where noted_on < (now() at time zone 'UTC')::date - %(days)s::integer

-- noted --
select noted_on, database_bytes, disk_used from jobs.sizes order by noted_on

-- patience --
-- Whoever rewrites a table must not keep a page waiting for how large it is.
set local lock_timeout = '1s'

-- tables --
-- The largest tables, with all their partitions, indexes and what is stored apart. How many rows is what the statistics say.
select
    nspname || '.' || pg_class.relname as name,
    sum(rows)::bigint as rows,
    sum(bytes)::bigint as bytes,
    sum(index_bytes)::bigint as index_bytes
from (
    select
        coalesce(pg_partition_root(oid), oid) as root,
        case when reltuples >= 0 then reltuples else pg_stat_get_live_tuples(oid) end as rows,
        pg_total_relation_size(oid) as bytes,
        pg_indexes_size(oid) as index_bytes
    from pg_class
    where relkind in ('r', 'm') and relpersistence <> 't'
        and relnamespace in (select oid from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema')
) as stored
inner join pg_class on pg_class.oid = root
inner join pg_namespace on pg_namespace.oid = pg_class.relnamespace
group by root, nspname, pg_class.relname
order by sum(bytes) desc, name
limit %(most)s
