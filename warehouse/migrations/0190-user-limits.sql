-- Some people see some channels and connections alone. Empty is no list: whoever has neither sees everything.
alter table crm.users
    add column only_channels text[] check (cardinality(only_channels) > 0),
    add column only_connections text[] check (cardinality(only_connections) > 0),
    -- Whoever looks after everything sees everything (warehouse/users.py says it in words).
    add constraint limits_are_for_viewers_and_agents
        check (role in ('viewer', 'agent') or (only_channels is null and only_connections is null));
