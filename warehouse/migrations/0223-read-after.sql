-- Where pages read from a replica: up to where of the primary's log it must be for this session, whose last decision lies
-- there (app/replica.py).
alter table crm.sessions add column read_after pg_lsn;
