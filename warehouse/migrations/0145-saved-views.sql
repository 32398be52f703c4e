-- Views that people keep under a name: an address of the app and nothing else. Whoever opens one reads what it leads to under their own rights.
create table crm.saved_views (
    view_id text primary key,
    name text not null check (name <> ''),
    -- The page, and what stands behind the question mark of its address.
    page text not null,
    query text not null,
    -- Who made it. Where it is not shared, nobody else sees it.
    owner text not null,
    is_shared boolean not null default false,
    -- One more with each change: who changes a view says which one they saw.
    version integer not null default 1,
    created_at timestamptz not null default now(),
    removed_at timestamptz
);
-- Two of one name in one list are not told apart.
create unique index saved_views_own on crm.saved_views (owner, lower(name)) where removed_at is null and not is_shared;
create unique index saved_views_shared on crm.saved_views (lower(name)) where removed_at is null and is_shared;
grant select, insert, update on crm.saved_views to crm_app;
