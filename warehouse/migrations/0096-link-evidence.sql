-- What speaks for two identities being one person's, as canonical.link_evidence found it last: computed by the worker now and then, because it reads
-- every message, and read by marts.link_suggestions, which pages ask of single identities.
create table jobs.link_evidence (
    identity text not null,
    -- Another identity, or a customer by name.
    other text,
    customer_id text,
    kind text not null,
    times bigint not null,
    first_at timestamptz,
    last_at timestamptz,
    score double precision not null,
    said text not null,
    blocker text,
    found_at timestamptz not null default now()
);
create index link_evidence_identity on jobs.link_evidence (identity);
create index link_evidence_other on jobs.link_evidence (other);
create index link_evidence_customer on jobs.link_evidence (customer_id);
alter table jobs.link_evidence owner to crm_loader;
grant select on jobs.link_evidence to crm_transformer, crm_app;
