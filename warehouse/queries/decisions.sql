-- What is decided about customers, and the ledger of all decisions, as crm_app: the only statements that write their tables. Each runs in
-- one transaction with its event.

-- identity_is_known --
-- Whether a message bears this identity, exactly as it is written here.
select 1 from canonical.identities where identity = %(identity)s

-- lock_subjects --
-- Two decisions on one subject wait for each other. So many locks and no more: to undo a long list must not fill the server's table of locks.
select pg_advisory_xact_lock(5085, lock)
from (select distinct (hashtextextended(subject, 0) & 511)::integer as lock from unnest(%(subjects)s::text[]) as subject order by 1) as sorted

-- enter_decision --
-- What was decided together has one row. The changes keep the order in which they were made.
with

entered as (

    insert into crm.decisions (decision_id, actor, role, action, reason, undoes)
    values (%(decision_id)s, %(actor)s, %(role)s, %(action)s, %(reason)s, %(undoes)s)
    on conflict (decision_id) do nothing

)

insert into crm.decision_changes (decision_id, action, subject, object_type, object_id, customer_ids, data)
select
    %(decision_id)s, change ->> 'action', change ->> 'subject', change ->> 'object_type', change ->> 'object_id',
    array(select jsonb_array_elements_text(change -> 'customer_ids')), change -> 'data'
from jsonb_array_elements(%(changes)s::jsonb) with ordinality as made (change, place)
order by place

-- one_decision --
select decision_id, at, actor, role, action, reason, undoes, undone_at, undone_by, undo_decision_id
from crm.decisions
where decision_id = %(decision_id)s

-- changes_of_decision --
select change_no, decision_id, action, subject, object_type, object_id, customer_ids, data
from crm.decision_changes
where decision_id = %(decision_id)s
order by change_no
limit %(most)s

-- actions_of_decision --
select distinct action from crm.decision_changes where decision_id = %(decision_id)s

-- decided_later --
-- The newest decision in force that changed one of the subjects after it was changed here. An undo of what came later too stands for
-- nothing: the two cancel. What came later is found first, and by itself: together with the rest, and before the statistics know of a large
-- import, a plan was chosen that compares each of its changes with each other one.
with later as materialized (
    select
        mine.subject,
        mine.change_no as own_no,
        changes.change_no,
        changes.decision_id,
        changes.object_type,
        changes.object_id
    from unnest(%(subjects)s::text[], %(change_nos)s::bigint[]) as mine (subject, change_no)
    join crm.decision_changes as changes
        on md5(changes.subject) = md5(mine.subject) and changes.subject = mine.subject and changes.change_no > mine.change_no
    where changes.decision_id <> %(decision_id)s
)

select decisions.decision_id, decisions.at, decisions.actor, decisions.action, later.object_type, later.object_id
from later
join crm.decisions as decisions on decisions.decision_id = later.decision_id
where decisions.undone_at is null
    and not exists (
        select from crm.decision_changes as target
        where target.decision_id = decisions.undoes
            and md5(target.subject) = md5(later.subject)
            and target.subject = later.subject
            and target.change_no > later.own_no
    )
order by later.change_no desc
limit 1

-- mark_undone --
update crm.decisions
set undone_at = coalesce(%(at)s::timestamptz, clock_timestamp()), undone_by = %(by)s, undo_decision_id = %(undo_decision_id)s
where decision_id = %(decision_id)s

-- mark_standing --
update crm.decisions set undone_at = null, undone_by = null, undo_decision_id = null where decision_id = %(decision_id)s

-- open_links --
-- Whose these identities are.
select links.identity, links.customer_id, links.link_id, links.decision_id, customers.name
from crm.identity_links as links
join crm.customers as customers using (customer_id)
where links.ended_at is null and links.identity = any(%(identities)s::text[])

-- one_customer --
-- An archived customer takes no further identities; who archives or merges one waits for who links to one.
select customer_id, name from crm.customers where customer_id = %(customer_id)s and archived_at is null for share

-- links_of_customer --
select 1 from crm.identity_links where customer_id = %(customer_id)s and ended_at is null limit 1

-- archive_customer --
update crm.customers set archived_at = now(), archived_by = %(archived_by)s where customer_id = %(customer_id)s and archived_at is null

-- restore_customer --
update crm.customers set archived_at = null, archived_by = null where customer_id = %(customer_id)s

-- add_customer --
insert into crm.customers (customer_id, name, notes, created_by)
values (%(customer_id)s, %(name)s, %(notes)s, %(created_by)s)

-- open_link --
insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason, evidence)
values (%(link_id)s, %(decision_id)s, %(identity)s, %(customer_id)s, %(linked_by)s, %(reason)s, %(evidence)s)
on conflict (identity) where ended_at is null do nothing
returning link_id

-- end_mark --
-- Who is a customer's is marked as nobody's no more.
update crm.not_customers set ended_at = now(), ended_by = %(ended_by)s where identity = %(identity)s and ended_at is null
returning mark_id

-- end_link --
update crm.identity_links
set ended_at = now(), ended_by = %(ended_by)s, end_reason = %(end_reason)s
where identity = %(identity)s and ended_at is null
returning link_id, customer_id, evidence

-- correction_now --
select correction_id from crm.corrections
where object_type = %(object_type)s and object_id = %(object_id)s and field = %(field)s and ended_at is null

-- open_correction --
insert into crm.corrections (correction_id, decision_id, object_type, object_id, field, value, statement, made_by)
values (%(correction_id)s, %(decision_id)s, %(object_type)s, %(object_id)s, %(field)s, %(value)s, %(statement)s, %(by)s)

-- end_correction --
update crm.corrections set ended_at = now(), ended_by = %(by)s where correction_id = %(correction_id)s and ended_at is null

-- reopen_correction --
update crm.corrections set ended_at = null, ended_by = null where correction_id = %(correction_id)s
