-- Events are read, too: what was done most of all by one kind of act, newest first. The others stand since 0003.
create index events_action on crm.events (action, at);

-- When an event was written says the database alone: no program can date one back.
revoke insert on crm.events from crm_app, crm_keeper;
grant insert (event_id, actor, role, action, object_type, object_id, customer_ids, detail, session_id, ip) on crm.events
    to crm_app, crm_keeper;
