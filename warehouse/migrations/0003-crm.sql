-- Everything that cannot be rebuilt from raw: people's decisions, users, sessions, connections, events.
create table crm.customers (
    customer_id text primary key,
    name text not null check (name <> ''),
    notes text not null default '',
    created_at timestamptz not null default now(),
    created_by text not null
);
create index customers_name on crm.customers using gin (lower(name) gin_trgm_ops);

-- Append-only in meaning: a link is opened with who, when, why, and ended with who, when, why.
create table crm.identity_links (
    link_id text primary key,
    decision_id text not null,
    identity text not null,
    customer_id text not null references crm.customers (customer_id),
    linked_at timestamptz not null default now(),
    linked_by text not null,
    reason text not null,
    evidence jsonb not null default '{}',
    ended_at timestamptz,
    ended_by text,
    end_reason text,
    check ((ended_at is null) = (ended_by is null))
);
create unique index identity_links_open_identity on crm.identity_links (identity) where ended_at is null;
create index identity_links_open_customer on crm.identity_links (customer_id, identity) where ended_at is null;
create index identity_links_identity_pattern on crm.identity_links (identity text_pattern_ops) where ended_at is null;

create table crm.connections (
    connection_id text primary key,
    channel text not null,
    name text not null,
    -- What is no secret: addresses, numbers, the provider's base address.
    settings jsonb not null default '{}',
    -- A Fernet token over the JSON of the secret keys; the key lies outside the database.
    secrets bytea not null,
    created_at timestamptz not null default now(),
    created_by text not null,
    disabled_at timestamptz
);

create table crm.users (
    user_name text primary key,
    display_name text not null,
    email text not null,
    role text not null check (role in ('viewer', 'agent', 'privacy_officer', 'admin')),
    password_hash text not null,
    created_at timestamptz not null default now(),
    disabled_at timestamptz
);

-- A session is a row; the browser holds only a random token, the row its hash.
create table crm.sessions (
    session_id text primary key,
    token_hash bytea not null unique,
    user_name text not null references crm.users (user_name),
    started_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    ip text,
    user_agent text
);

-- One-time tokens that carry a checked password from the form to GET /session/start.
create table crm.session_starts (
    token_hash bytea primary key,
    user_name text not null references crm.users (user_name),
    expires_at timestamptz not null,
    used_at timestamptz
);

create table crm.assignments (
    assignment_id text primary key,
    conversation_id text not null,
    assignee text not null,
    assigned_at timestamptz not null default now(),
    assigned_by text not null,
    ended_at timestamptz,
    ended_by text
);
create unique index assignments_open on crm.assignments (conversation_id) where ended_at is null;

create table crm.conversation_tags (
    tagging_id text primary key,
    conversation_id text not null,
    tag text not null,
    tagged_at timestamptz not null default now(),
    tagged_by text not null,
    removed_at timestamptz,
    removed_by text
);
create unique index conversation_tags_open on crm.conversation_tags (conversation_id, tag) where removed_at is null;

create table crm.events (
    event_id text primary key,
    at timestamptz not null default clock_timestamp(),
    actor text not null,
    role text not null,
    action text not null check (action ~ '^[a-z_]+\.[a-z_]+$'),
    object_type text not null,
    object_id text not null,
    customer_ids text[] not null default '{}',
    detail jsonb not null default '{}',
    session_id text,
    ip text
);
create index events_at on crm.events (at);
create index events_customer_ids on crm.events using gin (customer_ids);
create index events_actor on crm.events (actor, at);

create function crm.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'crm.events is append-only: % is refused', tg_op;
end $$;
create trigger events_append_only before update or delete or truncate on crm.events
    for each statement execute function crm.refuse_change();

grant select, insert, update on crm.customers, crm.identity_links, crm.connections, crm.users, crm.sessions,
    crm.session_starts, crm.assignments, crm.conversation_tags to crm_app;
grant delete on crm.session_starts to crm_app;
grant select, insert on crm.events to crm_app;

grant select on crm.connections to crm_receiver, crm_loader;
grant select on crm.customers, crm.identity_links, crm.assignments, crm.conversation_tags to crm_transformer;
grant select (connection_id, channel, name, settings, created_at, disabled_at) on crm.connections to crm_transformer;
