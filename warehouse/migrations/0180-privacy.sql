-- What must not come back, what must not go yet, and who takes it away (docs/decisions.md 65 to 67).
--   crm_destroyer    signs in for ./crm privacy, ./crm retention and the worker's nightly job: the one role that may take rows out of raw
create schema privacy;
grant usage on schema privacy to crm_destroyer, crm_transformer, crm_app;

-- The key of the marks below: random, of this warehouse alone, and so the same under every master key. Only whoever destroys and whoever
-- folds reads it: with it a guessed number could be compared with the marks. Both halves of HMAC-SHA256 (RFC 2104) stand ready,
-- because the models compute marks by the hundred thousand.
create table privacy.tombstone_key (
    only_row boolean primary key default true check (only_row),
    secret bytea not null check (length(secret) = 32),
    inner_pad bytea not null,
    outer_pad bytea not null
);
create function privacy.pad(secret bytea, with_byte integer) returns bytea
language plpgsql immutable strict set search_path = pg_catalog, pg_temp as $$
declare
    padded bytea := secret || decode(repeat('00', 64 - length(secret)), 'hex');
begin
    for place in 0..63 loop
        padded := set_byte(padded, place, get_byte(padded, place) # with_byte);
    end loop;
    return padded;
end $$;
insert into privacy.tombstone_key (secret, inner_pad, outer_pad)
select secret, privacy.pad(secret, 54), privacy.pad(secret, 92)
from (
    select sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')) as secret
) as drawn;

-- The mark of a text (dbt_project/macros/tombstones.sql writes the same out, where a call for each row would cost too much).
create function privacy.mark(value text) returns bytea
language sql stable strict parallel safe set search_path = pg_catalog, pg_temp as $$
    select sha256(outer_pad || sha256(inner_pad || convert_to(value, 'UTF8'))) from privacy.tombstone_key
$$;
revoke execute on function privacy.mark(text) from public;
revoke execute on function privacy.pad(bytea, integer) from public;
grant execute on function privacy.mark(text) to crm_destroyer, crm_transformer;
grant execute on function privacy.pad(bytea, integer) to crm_destroyer;

-- What was destroyed, so that nothing brings it back. No identifier stands here, only marks.
create table privacy.tombstones (
    mark bytea not null,
    -- Of what the mark is:
    --   message    its id in the models: channel and the provider's own id
    --   receipts   the id of a thread's receipts (macros/watermarks.sql), up to `until`
    --   delivery   'delivery|' connection '|' key of a delivery of which nothing was left
    -- Nothing is held back by the others:
    --   address    'address|' value of an identity: what else of theirs stands beside a message that came again
    --   customer   'customer|' id, and
    --   identity   'identity|' identity: what is to be destroyed again after a restore
    kind text not null check (kind in ('message', 'receipts', 'delivery', 'address', 'customer', 'identity')),
    until text collate "C",
    certificate_id text not null,
    primary key (mark, certificate_id)
);

-- Each destruction, once it was done: what, why, when, by whom, how much. The same stands in crm.events.
create table privacy.certificates (
    certificate_id text primary key,
    -- `customer`, or `class` and which.
    what text not null,
    reason text not null,
    destroyed_at timestamptz not null,
    destroyed_by text not null,
    counts jsonb not null,
    -- SHA-256 over the columns above, in their order, as JSON.
    hash text not null
);

-- What the next fold takes out of the tables: ids of messages, and rows of raw that are no more. The fold deletes them, once every
-- build has taken them in.
create table privacy.forgetting (
    kind text not null check (kind in ('message', 'raw row')),
    key text not null,
    channel text not null default '',
    transaction_id xid8 not null default pg_current_xact_id(),
    primary key (kind, key)
);
create index forgetting_transaction_id on privacy.forgetting (transaction_id);

-- Files whose rows are gone, until it is known that no other row needs them.
create table privacy.files_due (
    sha256 text primary key,
    due_at timestamptz not null default now()
);

-- Up to where what landed was looked through for what was destroyed before (privacy/sweep.py).
create table privacy.swept (
    only_row boolean primary key default true check (only_row),
    until_transaction xid8
);
insert into privacy.swept default values;

-- Legal holds: while one is open, nothing destroys what it covers.
create table privacy.holds (
    hold_id text primary key,
    covers text not null check (covers in ('customer', 'conversation', 'tag')),
    -- A customer's id; a thread of the conversation; the id of a tag.
    object_id text not null,
    reason text not null check (reason <> ''),
    placed_at timestamptz not null default now(),
    placed_by text not null,
    released_at timestamptz,
    released_by text,
    release_reason text,
    check ((released_at is null) = (released_by is null))
);
create index holds_open on privacy.holds (covers, object_id) where released_at is null;

grant select on privacy.tombstone_key, privacy.tombstones to crm_destroyer, crm_transformer;
grant insert on privacy.tombstones to crm_destroyer;
grant update on privacy.tombstone_key to crm_destroyer;
grant select, insert on privacy.certificates to crm_destroyer;
grant select on privacy.certificates to crm_app;
grant select, insert, update, delete on privacy.forgetting, privacy.files_due, privacy.swept to crm_destroyer;
grant select, delete on privacy.forgetting to crm_transformer;
grant select, delete on privacy.holds to crm_destroyer;
grant select, insert, update on privacy.holds to crm_app;

-- Raw. What is left of a delivery that held other people's messages, too, says that it is no longer what was received.
alter table raw.webhook_deliveries add column redacted_at timestamptz;
grant usage on schema raw to crm_destroyer;
grant select, delete, update (body, payload, payload_error, payload_repaired, redacted_at, transaction_id) on raw.webhook_deliveries to crm_destroyer;
grant select, delete on raw.delivery_keys, raw.refusals to crm_destroyer;

-- What the models made of it is read; it goes by the fold.
grant usage on schema canonical, canonical_next, marts to crm_destroyer;
grant select on all tables in schema canonical, marts to crm_destroyer;
alter default privileges for role crm_transformer in schema canonical grant select on tables to crm_destroyer;
alter default privileges for role crm_transformer in schema canonical_next grant select on tables to crm_destroyer;
alter default privileges for role crm_transformer in schema marts grant select on tables to crm_destroyer;
alter default privileges for role crm_transformer in schema marts_next grant select on tables to crm_destroyer;
grant delete on canonical.set_aside to crm_destroyer;

-- Jobs.
grant usage on schema jobs to crm_destroyer;
grant select, delete on jobs.media, jobs.link_evidence, jobs.in_hand to crm_destroyer;

-- People's decisions.
grant usage on schema crm to crm_destroyer;
grant select, delete on crm.customers, crm.identity_links, crm.not_customers, crm.dismissed_suggestions, crm.notes, crm.taggings,
    crm.assignments, crm.conversation_ids, crm.seen_conversations, crm.saved_views, crm.decision_changes to crm_destroyer;
grant select, update (reason) on crm.decisions to crm_destroyer;
grant select on crm.tags, crm.shown_tags to crm_destroyer;
grant select (connection_id, channel, settings) on crm.connections to crm_destroyer;

-- Events keep that something happened, when and by whom; whom it was about becomes a mark.
alter table crm.events add column redacted_by text;
grant select, update (object_id, customer_ids, detail, redacted_by),
    insert (event_id, actor, role, action, object_type, object_id, customer_ids, detail, session_id, ip) on crm.events to crm_destroyer;
create or replace function crm.refuse_change() returns trigger language plpgsql as $$
begin
    -- Which columns that role may change is a matter of its grants.
    if tg_op = 'UPDATE' and current_user = 'crm_destroyer' and tg_table_schema = 'crm' and tg_table_name = 'events' then
        return null;
    end if;
    raise exception '%.% is append-only: % is refused', tg_table_schema, tg_table_name, tg_op;
end $$;
-- The hash of an event before and after: so whoever verifies the log can tell a redaction from a forgery. The certificate's own event holds
-- a hash over all of these.
create table crm.event_redactions (
    event_id text not null,
    certificate_id text not null,
    former_leaf bytea not null,
    leaf bytea not null,
    primary key (event_id, certificate_id)
);
grant select, insert on crm.event_redactions to crm_destroyer;
grant select on crm.event_redactions to crm_app;
update canonical.built set fingerprint = '';
