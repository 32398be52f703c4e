-- What analysts ask by SQL is an event, too: the server writes each of their statements to its log, and the worker brings it here from the log
-- of an embedded server (worker/analysts.py). How far it has read stands beside, so that each is brought once.
create table crm.read_logs (
    place text primary key,
    -- Which file, by its first line, and how much of it.
    file text not null,
    position bigint not null,
    read_at timestamptz not null default now()
);
grant usage, create on schema crm to crm_sealer;
grant select, insert, update on crm.read_logs to crm_sealer;
grant insert (event_id, actor, role, action, object_type, object_id, customer_ids, detail, session_id, ip) on crm.events to crm_sealer;
grant select on crm.read_logs to crm_app, crm_loader;

-- Note statements of analysts, and that the log was read from here to there. False where somebody else has read on meanwhile: then nothing is.
create function crm.note_statements(
    of_place text, from_file text, from_position bigint, to_file text, to_position bigint, statements jsonb
) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into crm.read_logs (place, file, position) values (of_place, from_file, from_position) on conflict do nothing;
    update crm.read_logs set file = to_file, position = to_position, read_at = now()
    where place = of_place and file = from_file and position = from_position;
    if not found then
        return false;
    end if;
    insert into crm.events (event_id, actor, role, action, object_type, object_id, detail, session_id, ip)
    select
        replace(gen_random_uuid()::text, '-', ''), 'sql:' || coalesce(said ->> 'user', 'unknown'), 'analyst', 'sql.run', 'statement', '*',
        jsonb_build_object('statement', said ->> 'statement', 'logged_at', said ->> 'logged_at'),
        said ->> 'session_id', said ->> 'ip'
    from jsonb_array_elements(statements) with ordinality as listed (said, place)
    order by place;
    return true;
end $$;
alter function crm.note_statements(text, text, bigint, text, bigint, jsonb) owner to crm_sealer;
revoke execute on function crm.note_statements(text, text, bigint, text, bigint, jsonb) from public;
grant execute on function crm.note_statements(text, text, bigint, text, bigint, jsonb) to crm_loader;
revoke create on schema crm from crm_sealer;
