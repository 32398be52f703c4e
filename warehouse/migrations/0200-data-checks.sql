-- What is expected of the data (quality/): what was looked at, and the last word on each rule (docs/decisions.md, what is expected of the data).
--   crm_checker    signs in for the checks: it reads, and writes these two tables alone
create table jobs.data_suites (
    suite text primary key,
    -- What it looks at, in words.
    about text not null,
    -- What was looked at last: `load` (what is new since the last look), `night` and `hand` (a larger part), `build` (before a swap).
    run text not null check (run in ('load', 'night', 'hand', 'build')),
    -- So many rows.
    rows bigint not null,
    checked_at timestamptz not null,
    -- Rows of transactions before this one were looked at; null where a suite is no matter of what is new.
    checked_until xid8
);
create table jobs.data_checks (
    suite text not null references jobs.data_suites on delete cascade,
    -- The rule in words.
    rule text not null,
    severity text not null check (severity in ('critical', 'warning')),
    -- error where the rule could not be tried
    status text not null check (status in ('pass', 'fail', 'error')),
    -- How many rows break it, and the keys of some of them. No value, no body: only where to look.
    failures bigint not null,
    keys text[] not null default '{}' check (cardinality(keys) <= 20),
    failing_since timestamptz,
    checked_at timestamptz not null,
    primary key (suite, rule),
    check ((failing_since is null) = (status = 'pass'))
);
alter table jobs.data_suites owner to crm_loader;
alter table jobs.data_checks owner to crm_loader;
grant select on jobs.data_suites, jobs.data_checks to crm_app;
grant usage on schema jobs to crm_checker;
grant select, insert, update, delete on jobs.data_suites, jobs.data_checks to crm_checker;
-- What is destroyed leaves no key behind.
grant select, update (keys) on jobs.data_checks to crm_destroyer;
create trigger data_checks_are_told after insert or update or delete on jobs.data_checks
    for each statement execute function crm.tell_health();

-- Of a delivery the checks read when it came and whether it could be read, and neither its bytes nor what they say.
grant usage on schema raw to crm_checker;
grant select (delivery_id, received_at, channel, connection_id, delivery_key, method, content_type, payload_error, transaction_id)
    on raw.webhook_deliveries to crm_checker;
grant usage on schema canonical, canonical_next, marts, marts_next to crm_checker;
grant select on all tables in schema canonical, marts to crm_checker;
alter default privileges for role crm_transformer in schema canonical grant select on tables to crm_checker;
alter default privileges for role crm_transformer in schema canonical_next grant select on tables to crm_checker;
alter default privileges for role crm_transformer in schema marts grant select on tables to crm_checker;
alter default privileges for role crm_transformer in schema marts_next grant select on tables to crm_checker;
grant usage on schema crm to crm_checker;
grant select (connection_id, channel) on crm.connections to crm_checker;
