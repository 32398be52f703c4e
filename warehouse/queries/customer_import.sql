The import of a list, as crm_app: many at once, where decisions.sql has one (warehouse/decisions/lists.py). All of a file is one transaction.

-- lock_out_marks --
-- Until the transaction ends nobody marks an identity as no customer: a list locks no single identity (merging.sql, lock_out_lists). Another list waits.
select pg_advisory_xact_lock(5086, 0)

-- add_customers --
insert into crm.customers (customer_id, name, notes, created_by)
select customer_id, name, notes, %(actor)s
from unnest(%(customer_ids)s::text[], %(names)s::text[], %(notes)s::text[]) as made (customer_id, name, notes)

-- enter_decisions --
-- As many as it takes for each to be undone at once.
insert into crm.decisions (decision_id, actor, role, action, reason)
select decision_id, %(actor)s, %(role)s, action, %(reason)s
from unnest(%(decision_ids)s::text[], %(actions)s::text[]) as made (decision_id, action)

-- enter_changes --
-- As the decisions of one customer, and of one link, enter theirs (warehouse/decisions): undo knows no difference.
insert into crm.decision_changes (decision_id, action, subject, object_type, object_id, customer_ids, data)
select
    decision_id, action, split_part(action, '.', 1) || ' ' || object_id, split_part(action, '.', 1), object_id, array[customer_id],
    case when link_id = '' then '{}' else jsonb_build_object('customer_id', customer_id, 'link_id', link_id) end
from unnest(
    %(decision_ids)s::text[], %(actions)s::text[], %(object_ids)s::text[], %(customer_ids)s::text[], %(link_ids)s::text[]
) with ordinality as made (decision_id, action, object_id, customer_id, link_id, place)
order by place

-- open_links --
-- Fewer than asked for where somebody else decided on one of them meanwhile.
insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason, evidence)
select link_id, decision_id, identity, customer_id, %(actor)s, %(reason)s, jsonb_build_object('file', %(source)s::text, 'line', line)
from unnest(
    %(link_ids)s::text[], %(decision_ids)s::text[], %(object_ids)s::text[], %(customer_ids)s::text[], %(lines)s::int[]
) as made (link_id, decision_id, identity, customer_id, line)
on conflict (identity) where ended_at is null do nothing

-- end_marks --
-- Who is a customer's is marked as nobody's no more, as with a single link; told before the links, so that an undo marks them again behind the links' end.
with

ended as (

    update crm.not_customers as marks
    set ended_at = now(), ended_by = %(actor)s
    from unnest(%(object_ids)s::text[], %(decision_ids)s::text[]) as made (identity, decision_id)
    where marks.identity = made.identity and marks.ended_at is null
    returning made.identity, made.decision_id

)

insert into crm.decision_changes (decision_id, action, subject, object_type, object_id)
select decision_id, 'identity.unmark', 'mark of ' || identity, 'identity', identity from ended

-- record_events --
-- One event for each customer made and each link, as if they were decided one by one.
insert into crm.events (event_id, actor, role, action, object_type, object_id, customer_ids, detail, session_id, ip)
select
    event_id, %(actor)s, %(role)s, action, split_part(action, '.', 1), object_id, array[customer_id],
    jsonb_build_object('decision_id', decision_id, 'source', %(source)s::text, 'line', line), %(session_id)s, %(ip)s
from unnest(
    %(event_ids)s::text[], %(decision_ids)s::text[], %(actions)s::text[], %(object_ids)s::text[], %(customer_ids)s::text[], %(lines)s::int[]
) as told (event_id, decision_id, action, object_id, customer_id, line)

-- archived_meanwhile --
select 1 from crm.customers where customer_id = any(%(customer_ids)s::text[]) and archived_at is not null limit 1
