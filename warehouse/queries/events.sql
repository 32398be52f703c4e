-- record_event --
insert into crm.events (event_id, actor, role, action, object_type, object_id, customer_ids, detail, session_id, ip)
values (
    %(event_id)s, %(actor)s, %(role)s, %(action)s, %(object_type)s, %(object_id)s,
    %(customer_ids)s, %(detail)s, %(session_id)s, %(ip)s
)
