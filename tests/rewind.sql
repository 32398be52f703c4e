-- How a test's database becomes new again without being copied: what was written is emptied, what the template held is put back.
-- Only DDL, and statistics that somebody gathered, ask for a fresh copy. Part of the template (tests/template.py), not of the product.
create schema test_pristine;
-- Tables that are not empty in the template: a copy of each is called by its oid. The marks say whether it was written since.
create table test_pristine.kept (relation oid primary key, rows bigint not null, newest bigint not null);
create table test_pristine.sequences (sequence regclass primary key, last_value bigint);
create table test_pristine.statistics (count bigint not null);
create table test_pristine.altered (command text not null);

create function test_pristine.note_command() returns event_trigger language plpgsql security definer
set search_path = pg_catalog as $$
begin
    if exists (select from pg_event_trigger_ddl_commands() where coalesce(schema_name, '') !~ '^pg_temp') then
        insert into test_pristine.altered values (tg_tag);
    end if;
end $$;

create function test_pristine.note_drop() returns event_trigger language plpgsql security definer
set search_path = pg_catalog as $$
begin
    if exists (select from pg_event_trigger_dropped_objects() where not is_temporary) then
        insert into test_pristine.altered values (tg_tag);
    end if;
end $$;

-- Tables of ours that have ever been written since they were made or truncated.
create function test_pristine.written() returns table (relation oid, name regclass, is_kept boolean) language sql as $$
    select classes.oid, classes.oid::regclass, kept.relation is not null
    from pg_class as classes
    inner join pg_namespace as namespaces on namespaces.oid = classes.relnamespace
    left join test_pristine.kept on kept.relation = classes.oid
    where classes.relkind = 'r'
        and classes.relpersistence <> 't'
        and namespaces.nspname not in ('pg_catalog', 'information_schema', 'test_pristine')
        and (kept.relation is not null or pg_relation_size(classes.oid) > 0)
$$;

create function test_pristine.marks(name regclass, out rows bigint, out newest bigint) language plpgsql as $$
begin
    execute format('select count(*), coalesce(max(xmin::text::bigint), 0) from %s', name) into rows, newest;
end $$;

create function test_pristine.keep() returns void language plpgsql as $$
declare
    each record;
begin
    for each in select * from test_pristine.written() loop
        execute format('create table test_pristine.%I as table %s', each.relation::text, each.name);
        insert into test_pristine.kept select each.relation, marks.* from test_pristine.marks(each.name) as marks;
    end loop;
    insert into test_pristine.sequences
    select format('%I.%I', schemaname, sequencename)::regclass, last_value from pg_sequences where schemaname <> 'test_pristine';
    -- Of ours: the server gathers those of its catalogs whenever it likes.
    insert into test_pristine.statistics select count(*) from pg_statistic where starelid >= 16384;
end $$;

-- True where the database is as the template again; false where it has to be copied anew. `staying` are sessions that may stay.
create function test_pristine.rewind(staying integer[]) returns boolean language plpgsql as $$
declare
    each record;
    listed text;
begin
    perform pg_terminate_backend(pid, 10000)
    from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid() and pid <> all (staying);
    if exists (select from test_pristine.altered)
        or (select count(*) from pg_statistic where starelid >= 16384) <> (select count from test_pristine.statistics)
    then
        return false;
    end if;
    -- Neither a truncated table nor a temporary one, where it can be helped: after them the session that folds makes its plans
    -- anew, which takes it up to half a second.
    for each in
        select written.name, pg_table_size(written.relation) > 1000000 as is_large
        from test_pristine.written() as written
        cross join lateral test_pristine.marks(written.name) as now
        left join test_pristine.kept on kept.relation = written.relation
        where (now.rows, now.newest) is distinct from (coalesce(kept.rows, 0), coalesce(kept.newest, 0))
    loop
        if each.is_large then
            execute format('truncate table %s cascade', each.name);
        else
            execute format('delete from %s', each.name);
        end if;
    end loop;
    -- Also those that only hung on one that was emptied.
    for each in
        select kept.relation, kept.relation::regclass as name
        from test_pristine.kept as kept
        cross join lateral test_pristine.marks(kept.relation::regclass) as now
        where (now.rows, now.newest) <> (kept.rows, kept.newest)
    loop
        select string_agg(format('%I', attname), ', ' order by attnum) into listed
        from pg_attribute
        where attrelid = each.relation and attnum > 0 and not attisdropped and attgenerated = '';
        execute format(
            'insert into %s (%s) overriding system value select %2$s from test_pristine.%I', each.name, listed, each.relation::text
        );
        update test_pristine.kept set (rows, newest) = (select marks.* from test_pristine.marks(each.name) as marks)
        where relation = each.relation;
    end loop;
    perform setval(pristine.sequence, coalesce(pristine.last_value, sequences.start_value), pristine.last_value is not null)
    from test_pristine.sequences as pristine
    inner join pg_sequences as sequences on format('%I.%I', schemaname, sequencename)::regclass = pristine.sequence
    where sequences.last_value is distinct from pristine.last_value;
    perform pg_stat_reset();
    return true;
end $$;
