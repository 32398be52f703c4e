-- held --
select count(distinct message_id) from marts.timeline where customer_id = %(customer_id)s

-- span --
select count(*), min(at) + (max(at) - min(at)) / 2 from crm.events

-- every --
select actor, at, object_type, object_id, customer_ids from crm.events
