What belongs to the superuser of an embedded cluster of a former version (warehouse/demotion.py).

-- owner_of_database --
select pg_get_userbyid(datdba) from pg_database where datname = %(name)s

-- our_roles --
select rolname from pg_roles where rolname ~ '^crm_' and rolname not in ('crm_owner', 'crm_superuser') order by rolname

-- owned_by_superuser --
-- Everything of ours: not what an extension brought, and not what goes with its table.
with ours (kind, name, oid, class) as (
    select 'schema', oid::regnamespace::text, oid, 'pg_namespace'::regclass
    from pg_namespace where nspowner = 10 and nspname !~ '^pg_' and nspname <> 'information_schema'
    union all
    select case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end,
        oid::regclass::text, oid, 'pg_class'::regclass
    from pg_class
    where relowner = 10 and relkind in ('r', 'p', 'v', 'm', 'S') and relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
    union all
    select 'routine', oid::regprocedure::text, oid, 'pg_proc'::regclass
    from pg_proc where proowner = 10 and pronamespace::regnamespace::text !~ '^(pg_|information_schema)'
    union all
    select 'type', oid::regtype::text, oid, 'pg_type'::regclass
    from pg_type
    where typowner = 10 and typrelid = 0 and typelem = 0 and typnamespace::regnamespace::text !~ '^(pg_|information_schema)'
)
select kind, name from ours
where not exists (
    select from pg_depend
    where classid = ours.class and objid = ours.oid and (deptype = 'e' or deptype in ('a', 'i') and kind = 'sequence')
)
order by kind, name
