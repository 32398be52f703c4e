-- A second factor: codes of an authenticator (RFC 6238). Its secret is encrypted with a key outside of the database; the step of the last code
-- that was accepted makes each code count once. Who tries the demonstration is not asked.
alter table crm.users add column second_factor bytea,
    add column second_factor_step bigint,
    add column second_factor_waived boolean not null default false;

-- Codes for who has lost the authenticator: hashes, each counts once.
create table crm.recovery_codes (
    user_name text not null references crm.users (user_name),
    code_hash bytea not null,
    made_at timestamptz not null default now(),
    used_at timestamptz,
    primary key (user_name, code_hash)
);
grant select, insert, update, delete on crm.recovery_codes to crm_app;
