What a backup takes and a restore puts back (operations/commands/backup.py): everything that cannot be made again from something else.

-- tables --
-- Ordinary tables with the columns that mean something elsewhere: no transaction ids. In the order in which they can be filled.
with recursive kept as (
    select pg_class.oid, pg_class.relname, nspname
    from pg_class
    inner join pg_namespace on pg_namespace.oid = relnamespace
    where
        relkind in ('r', 'p') and not relispartition
        and (nspname in ('raw', 'crm', 'jobs', 'privacy') or nspname ~ '^raw_[a-z_]+$' and nspname !~ '_staging$')
),

referring as (
    select conrelid, confrelid from pg_constraint where contype = 'f' and conrelid <> confrelid
),

ranked (oid, rank) as (
    select oid, 0 from kept
    union
    select referring.conrelid, ranked.rank + 1
    from ranked inner join referring on referring.confrelid = ranked.oid
    where ranked.rank < 20
)

select
    kept.nspname as schema, kept.relname as name,
    jsonb_object_agg(attname, format_type(atttypid, atttypmod) order by attnum) as columns
from kept
inner join (select oid, max(rank) as rank from ranked group by oid) as places using (oid)
inner join pg_attribute on attrelid = kept.oid and attnum > 0 and not attisdropped and attgenerated = ''
where atttypid not in ('xid8'::regtype, 'pg_snapshot'::regtype)
group by kept.nspname, kept.relname, places.rank
order by places.rank, kept.nspname, kept.relname

-- migrations --
select migration_id from public._yoyo_migration order by applied_at_utc, migration_id

-- strangers --
-- Who is at work on this database: whoever signed in as one of our roles, whatever he calls himself (an analyst's psql reads what
-- would be locked), and what calls itself ours.
select distinct concat_ws(' as ', nullif(application_name, ''), usename) from pg_stat_activity
where
    datname = current_database() and pid <> pg_backend_pid()
    and (application_name like 'crm %%' or usename = any(%(roles)s::text[]))
order by 1

-- sequences --
-- Each sequence of a column of these tables goes on behind what stands in it.
select
    format('%I.%I', nspname, relname) as owner_table, attname as owner_column,
    pg_get_serial_sequence(format('%I.%I', nspname, relname), attname) as sequence
from pg_class
inner join pg_namespace on pg_namespace.oid = relnamespace
inner join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
where relkind in ('r', 'p') and nspname in ('raw', 'crm', 'jobs')
    and pg_get_serial_sequence(format('%I.%I', nspname, relname), attname) is not null

-- end_sessions --
-- A session that was ended after the backup must not stand again.
with starts as (delete from crm.session_starts)
update crm.sessions set revoked_at = now() where revoked_at is null

-- build_anew --
-- What dbt owns is made again from raw when the programs start.
update canonical.built set fingerprint = '', statements = null
