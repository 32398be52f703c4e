What a server must have before it is migrated (warehouse/server_checks.py).

-- server --
-- Who we are there, what we may, and which extensions can neither be found nor made by us.
select
    current_user,
    current_database(),
    pg_encoding_to_char(encoding),
    pg_is_in_recovery(),
    (select rolcreaterole or rolsuper from pg_roles where rolname = current_user),
    has_database_privilege(current_database(), 'CREATE'),
    has_schema_privilege('public', 'CREATE'),
    array(
        select wanted.name
        from unnest(%(extensions)s::text[]) as wanted (name)
        where wanted.name not in (select extname from pg_extension)
            and wanted.name not in (
                select name from pg_available_extension_versions
                where trusted or (select rolsuper from pg_roles where rolname = current_user)
            )
        order by wanted.name
    )
from pg_database
where datname = current_database()
