Every privilege of every role of ours, from the catalogs (privilege_matrix.py).

-- relations --
-- One row per role, schema and set of privileges: which relations. Ownership comes before the rest, columns where a table is not whole.
with roles as (
    select oid, rolname from pg_roles where rolname = any (%(roles)s)
),

relations as (
    select
        oid, relowner, relnamespace::regnamespace::text as schema,
        -- Partitions come by themselves with the months.
        regexp_replace(relname, '_[0-9]{4}_[0-9]{2}$', '_<month>') as name
    from pg_class
    where relkind in ('r', 'p', 'v', 'm')
        and relnamespace::regnamespace::text !~ '^(pg_|information_schema|test_pristine)' and relnamespace::regnamespace::text <> 'public'
),

held as (
    select
        roles.rolname, relations.schema, relations.name, 'owns' as privilege, 0 as place
    from roles inner join relations on relations.relowner = roles.oid
    union all
    select roles.rolname, relations.schema, relations.name, lower(kinds.kind), kinds.place
    from roles
    cross join relations
    cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) with ordinality as kinds (kind, place)
    where relations.relowner <> roles.oid and has_table_privilege(roles.oid, relations.oid, kinds.kind)
    union all
    select
        roles.rolname, relations.schema, relations.name,
        lower(kinds.kind) || ' (' || string_agg(attname, ' ' order by attnum) || ')', kinds.place
    from roles
    cross join relations
    cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) with ordinality as kinds (kind, place)
    inner join pg_attribute on attrelid = relations.oid and attnum > 0 and not attisdropped
    where relations.relowner <> roles.oid
        and not has_table_privilege(roles.oid, relations.oid, kinds.kind)
        and has_column_privilege(roles.oid, relations.oid, attnum, kinds.kind)
    group by roles.rolname, relations.schema, relations.name, kinds.kind, kinds.place
),

per_relation as (
    select rolname, schema, name, string_agg(privilege, ', ' order by place, privilege) as privileges
    from (select distinct * from held) as each
    group by rolname, schema, name
)

select
    rolname, schema, privileges,
    case
        when count(*) = (select count(distinct name) from relations where relations.schema = per_relation.schema) then 'everything'
        else string_agg(name, ' ' order by name)
    end as names
from per_relation
group by rolname, schema, privileges
order by schema, rolname, names

-- schemas --
select rolname, nspname, concat_ws(', ',
    case when nspowner = pg_roles.oid then 'owns' end,
    case when nspowner <> pg_roles.oid and has_schema_privilege(pg_roles.oid, pg_namespace.oid, 'CREATE') then 'create' end)
from pg_namespace cross join pg_roles
where rolname = any (%(roles)s) and nspname !~ '^(pg_|information_schema|test_pristine)'
    and (nspowner = pg_roles.oid or has_schema_privilege(pg_roles.oid, pg_namespace.oid, 'CREATE'))
order by nspname, rolname

-- definers --
select
    oid::regprocedure::text as function, pg_get_userbyid(proowner) as owner,
    array(
        select rolname from pg_roles
        where rolname = any (%(roles)s) and pg_roles.oid <> proowner and has_function_privilege(pg_roles.oid, pg_proc.oid, 'EXECUTE')
        order by rolname
    ) as callers,
    proconfig as settings
from pg_proc
where prosecdef and pronamespace::regnamespace::text !~ '^(pg_|information_schema|test_pristine)'
order by 1

-- roles --
select
    rolname, rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication, rolconnlimit,
    has_database_privilege(oid, current_database(), 'TEMPORARY') as temporary,
    array(
        select granted.rolname from pg_auth_members
        inner join pg_roles as granted on granted.oid = roleid
        where member = pg_roles.oid order by granted.rolname
    ) as member_of
from pg_roles where rolname ~ '^crm_' and rolname <> 'crm_superuser'
order by rolname
