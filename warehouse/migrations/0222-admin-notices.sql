-- Notices to admins that something is wrong, or no longer (app/alerts): what was told last, so that one change is one notice however many
-- processes look, and what became of each.
create table crm.alert_state (
    only_row boolean primary key default true check (only_row),
    -- What was wrong when the last notice went out, by kind and connection; and what looks otherwise now, since when.
    told jsonb not null default '[]',
    seen jsonb not null default '[]',
    seen_since timestamptz not null default now()
);
insert into crm.alert_state default values;
create table crm.alerts (
    alert_id text primary key,
    made_at timestamptz not null default now(),
    -- webhook or mail
    way text not null,
    subject text not null,
    body text not null,
    attempts integer not null default 0,
    next_try_at timestamptz default now(),
    sent_at timestamptz,
    -- Of the last attempt, in words; null where it went out.
    error text
);
create index alerts_waiting on crm.alerts (next_try_at) where sent_at is null and next_try_at is not null;
create index alerts_made_at on crm.alerts (made_at desc);
grant select, update on crm.alert_state to crm_app;
grant select, insert, update (attempts, next_try_at, sent_at, error), delete on crm.alerts to crm_app;
