-- How long what is kept. The Act fixes no number of years: what is no longer needed for any purpose goes, so each class says why it is kept so long.
create table privacy.retention_classes (
    class_id text primary key check (class_id ~ '^[a-z][a-z0-9_]{0,39}$'),
    -- What goes: messages with their raw and their files; recordings of calls, while the call stays; whom an event was about.
    covers text not null check (covers in ('messages', 'recordings', 'events')),
    -- Of messages and recordings: only these; empty is all. Of several classes that cover a message the one that asks most of it counts,
    -- of those the longest.
    channels text[] not null default '{}',
    kinds text[] not null default '{}',
    -- The id of a tag that is on the message or on its conversation.
    tag_id text,
    keep interval not null check (keep > interval '0'),
    -- From when on: the message, or the last message of its conversation.
    counted_from text not null default 'sent' check (counted_from in ('sent', 'last_in_conversation')),
    action text not null check (action in ('destroy', 'de-identify')),
    -- The purpose or law that asks for it.
    basis text not null check (basis <> ''),
    reason text not null check (reason <> ''),
    -- One more with each change: an approval is of one version.
    version integer not null default 1,
    changed_at timestamptz not null default now(),
    changed_by text not null,
    approved_version integer,
    approved_at timestamptz,
    approved_by text,
    -- Whether the nightly job applies it, until the class is changed.
    is_standing boolean not null default false,
    check ((approved_version is null) = (approved_by is null)),
    check (action = case covers when 'events' then 'de-identify' else 'destroy' end),
    check (covers <> 'events' or channels = '{}' and kinds = '{}' and tag_id is null)
);
insert into privacy.retention_classes (class_id, covers, kinds, keep, action, basis, reason, changed_by) values
    ('messages', 'messages', '{}', '7 years', 'destroy',
        'Corporations Act s 286, Limitation Acts of the States',
        'claims out of a dealing may be brought for six years, and records of transactions are kept for seven; raw goes with its messages', 'system'),
    ('recordings', 'recordings', '{call,voicemail}', '1 year', 'destroy',
        'APP 11.2',
        'what was said is needed to settle what was agreed; after a year nobody has asked for it', 'system'),
    ('events', 'events', '{}', '7 years', 'de-identify',
        'APP 11, Part IIIC (notifiable data breaches)',
        'who saw whom is asked for as long as the messages are kept; that it happened stays', 'system');

grant select on privacy.retention_classes to crm_destroyer;
grant select, insert, update on privacy.retention_classes to crm_app;

-- A recording that is destroyed leaves its row, so that it is not fetched anew, nor tried again by hand.
grant update (state, reason, sha256, size_bytes, sniffed_type, is_inline, next_try_at) on jobs.media to crm_destroyer;
create or replace function crm.retry_media(of_message text, of_attachment text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update only jobs.media
    set state = 'waiting', reason = null, attempts = 0, first_tried_at = null, next_try_at = now()
    where message_id = of_message and attachment_id = of_attachment and state <> 'stored'
        and (state <> 'expired' or reason is distinct from 'destroyed: it was kept for as long as its class says');
    if not found then
        return false;
    end if;
    perform pg_notify('crm_changed', '{"identities": [], "attachments": true}');
    return true;
end $$;
grant select (message_id, attachment_id, state, reason) on jobs.media to crm_pull_reader;
