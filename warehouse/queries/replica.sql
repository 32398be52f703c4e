How far the primary and its replica are, as numbers that compare (app/replica.py).

-- written --
-- How far the primary's log is written: everything that anybody can see there lies before.
select (pg_current_wal_lsn() - '0/0')::int8 as position

-- replayed --
-- How far a replica has replayed that log: everything before can be seen there. Null on a server that replays none.
select (pg_last_wal_replay_lsn() - '0/0')::int8 as position

-- note_position --
-- Behind what this session has just decided.
update crm.sessions set read_after = pg_current_wal_lsn() where session_id = %(session_id)s
returning (read_after - '0/0')::int8 as position
