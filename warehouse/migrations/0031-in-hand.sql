-- What a pull has in hand at this moment: written before it is fetched, taken away once it is read. What a pull that died leaves
-- here is under suspicion: it is fetched alone from then on, and what kills a pull alone, twice, is set aside (pipelines/culprits.py).
create table jobs.in_hand (
    connection_id text not null,
    -- The provider's own id.
    item_id text not null,
    is_in_hand boolean not null default true,
    -- How many pulls died over it while nothing else was in hand.
    deaths integer not null default 0,
    set_aside_at timestamptz,
    primary key (connection_id, item_id)
);
alter table jobs.in_hand owner to crm_loader;
grant select on jobs.in_hand to crm_transformer, crm_app;
