-- The brake on guessing passwords. It lies in the database so that it holds for every process of the app.
-- The account is kept as a hash: what people type into the name field is now and then a password.
create table crm.sign_in_attempts (
    attempt_id bigint generated always as identity primary key,
    account_hash bytea not null,
    ip text not null,
    attempted_at timestamptz not null default now()
);
create index sign_in_attempts_account on crm.sign_in_attempts (account_hash, ip, attempted_at);
create index sign_in_attempts_ip on crm.sign_in_attempts (ip, attempted_at);
create index sign_in_attempts_attempted_at on crm.sign_in_attempts (attempted_at);
grant select, insert, delete on crm.sign_in_attempts to crm_app;

-- Any fragment of a number or an address finds its customer.
create index identity_links_identity_trigrams on crm.identity_links using gin (identity gin_trgm_ops)
    where ended_at is null;
