-- Corrections (APP 13): what is shown of a message in place of what was written, or what the person says against it. Raw and what is made of it stay.
create table crm.corrections (
    correction_id text primary key,
    decision_id text not null,
    object_type text not null check (object_type in ('message', 'customer')),
    object_id text not null,
    field text not null check (field = any(case object_type when 'message' then array['subject', 'body'] else array['name'] end)),
    -- What is shown in its place; null where only a statement stands beside it. A customer's name is corrected by renaming.
    value text check (value is null or object_type = 'message'),
    -- A statement of disagreement, in the person's words.
    statement text,
    made_at timestamptz not null default now(),
    made_by text not null,
    ended_at timestamptz,
    ended_by text,
    check (value is not null or statement is not null),
    check ((ended_at is null) = (ended_by is null))
);
create unique index corrections_open on crm.corrections (object_id, object_type, field) where ended_at is null;
grant select, insert, update (ended_at, ended_by) on crm.corrections to crm_app;
grant select, delete on crm.corrections to crm_destroyer;

-- Those in force of one message, or of a customer.
create view crm.open_corrections as
select
    object_type, object_id,
    jsonb_agg(jsonb_build_object(
        'correction_id', correction_id, 'decision_id', decision_id, 'field', field, 'value', value, 'statement', statement, 'made_at', made_at,
        'made_by', made_by
    ) order by field) as corrections
from crm.corrections
where ended_at is null
group by object_type, object_id;
grant select on crm.open_corrections to crm_app, crm_destroyer;

-- A statement about a customer is beside their messages; of a message's the ledger tells (0086).
create function crm.tell_corrections() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if new.object_type = 'customer' then
        perform pg_notify('crm_changed', crm.bounded_notice(
            jsonb_build_object('identities', '[]'::jsonb, 'beside', true, 'customers', jsonb_build_array(new.object_id)),
            '{"many": true, "beside": true}'
        ));
    end if;
    return null;
end $$;
create trigger corrections_are_told after insert or update on crm.corrections for each row execute function crm.tell_corrections();
