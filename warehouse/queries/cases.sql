-- Cases, incidents, tasks of the worker and collection notices. Run by warehouse/decisions/ as crm_app, with the event; tasks are carried out by
-- privacy/tasks.py as crm_destroyer.

-- customer --
-- Who they are by now.
select customer_id, name, merged_into, archived_at from crm.customers where customer_id = %(customer_id)s

-- open_case --
insert into privacy.cases (case_id, kind, customer_id, asked_by, received_at, due_at, opened_by)
values (%(case_id)s, %(kind)s, %(customer_id)s, %(asked_by)s, %(received_at)s, %(due_at)s, %(opened_by)s)

-- case --
-- Held until the transaction ends: two who close it do so one after the other.
select * from privacy.cases where case_id = %(case_id)s for update

-- open_access --
-- Requests for what is held of a customer that are not answered yet.
select case_id from privacy.cases where customer_id = %(customer_id)s and kind = 'access' and closed_at is null

-- check_identity --
update privacy.cases
set identity_check = %(how)s, identity_checked_at = now(), identity_checked_by = %(by)s
where case_id = %(case_id)s

-- close_case --
update privacy.cases
set outcome = %(outcome)s, grounds = %(grounds)s, reason = %(reason)s, closed_at = now(), closed_by = %(by)s
where case_id = %(case_id)s

-- reopen_case --
update privacy.cases
set outcome = null, grounds = '{}', reason = null, closed_at = null, closed_by = null
where case_id = %(case_id)s

-- cases --
-- The open ones first, by the day on which they are due.
select
    cases.*, customers.name,
    --> customer_card.known_by
    as known_by,
    (
        select jsonb_build_object('task_id', tasks.task_id, 'state', tasks.state, 'done_count', tasks.done_count, 'of_count', tasks.of_count,
            'problem', tasks.problem, 'result', tasks.result, 'finished_at', tasks.finished_at)
        from privacy.tasks as tasks
        where tasks.case_id = cases.case_id and tasks.kind = 'export'
        order by tasks.asked_at desc, tasks.task_id limit 1
    ) as export
from privacy.cases as cases
left join crm.customers as customers using (customer_id)
where %(closed)s or cases.closed_at is null
order by cases.closed_at is not null, case when cases.closed_at is null then cases.due_at end, cases.closed_at desc, cases.case_id
limit %(most)s

-- open_incident --
insert into privacy.incidents (incident_id, title, suspected_at, due_at, account, seen_from, seen_until, opened_by)
values (%(incident_id)s, %(title)s, %(suspected_at)s, %(due_at)s, %(account)s, %(seen_from)s, %(seen_until)s, %(opened_by)s)

-- incident --
select * from privacy.incidents where incident_id = %(incident_id)s

-- incident_held --
select * from privacy.incidents where incident_id = %(incident_id)s for update

-- describe_incident --
update privacy.incidents
set description = %(description)s, kinds = %(kinds)s, steps = %(steps)s, account = %(account)s, seen_from = %(seen_from)s,
    seen_until = %(seen_until)s, version = version + 1
where incident_id = %(incident_id)s and version = %(version)s
returning version

-- decide_incident --
update privacy.incidents
set decision = %(decision)s, decision_reason = %(reason)s, decided_at = now(), decided_by = %(by)s
where incident_id = %(incident_id)s

-- note_notified --
update privacy.incidents set notified_at = %(at)s, notified_by = %(by)s where incident_id = %(incident_id)s

-- incidents --
-- What is still to be done first, by the day on which it is due.
select listed.*
from (
    select *, decided_at is not null and (decision = 'not_notifiable' or notified_at is not null) as is_closed from privacy.incidents
) as listed
where %(closed)s or not is_closed
order by is_closed, due_at, incident_id
limit %(most)s

-- ask_task --
insert into privacy.tasks (task_id, kind, object_id, case_id, reason, asked_by, asked_role, state)
values (%(task_id)s, %(kind)s, %(object_id)s, %(case_id)s, %(reason)s, %(asked_by)s, %(asked_role)s, %(state)s)

-- same_task --
-- What is asked for already of the same kind and the same thing.
select task_id, state from privacy.tasks
where kind = %(kind)s and object_id = %(object_id)s and state in ('proposed', 'waiting', 'running')

-- task --
select * from privacy.tasks where task_id = %(task_id)s

-- approve_task --
update privacy.tasks
set state = 'waiting', approved_at = now(), approved_by = %(by)s
where task_id = %(task_id)s and state = 'proposed' and asked_by <> %(by)s
returning task_id

-- drop_task --
update privacy.tasks set state = 'dropped' where task_id = %(task_id)s and state = 'proposed' returning task_id

-- tasks --
-- What is under way, and the last that ended.
select tasks.*, customers.name,
    --> customer_card.known_by
    as known_by
from privacy.tasks as tasks
left join crm.customers as customers on tasks.kind <> 'apply' and customers.customer_id = tasks.object_id
order by tasks.finished_at is not null or tasks.state = 'dropped', coalesce(tasks.finished_at, tasks.asked_at) desc, tasks.task_id
limit %(most)s

-- begin_task --
-- What a worker began that died begins anew.
update privacy.tasks
set state = 'running', started_at = now(), done_count = null, of_count = null
where task_id = %(task_id)s and state in ('waiting', 'running')
returning *

-- tell_progress --
update privacy.tasks set done_count = %(done)s, of_count = %(of)s where task_id = %(task_id)s

-- finish_task --
-- Of a customer who is destroyed no id is left.
update privacy.tasks
set state = %(state)s, finished_at = now(), problem = %(problem)s, result = %(result)s
where task_id = %(task_id)s

-- kept_exports --
select task_id from privacy.tasks
where kind = 'export' and (state in ('waiting', 'running') or state = 'done' and finished_at > now() - make_interval(days => %(days)s))

-- unfinished_tasks --
-- For a worker that was away.
select task_id from privacy.tasks where state in ('waiting', 'running')

-- make_notice --
insert into privacy.collection_notices (channel, version, words, begins_at, made_by)
select %(channel)s, coalesce(max(version), 0) + 1, %(words)s, %(begins_at)s, %(made_by)s
from privacy.collection_notices
where channel = %(channel)s
returning version

-- notices --
-- With the end of each: where the next one of its channel begins.
select
    channel, version, words, begins_at,
    lead(begins_at) over (partition by channel order by begins_at, version) as ends_at, made_at, made_by
from privacy.collection_notices
order by channel, begins_at, version

-- told_nothing --
-- Of each channel how many identities wrote first while no notice was in force.
select identities.channel, count(*) as people
from (
    select messages.channel, participants.identity, min(messages.sent_at) as first_at
    from canonical.message_participants as participants
    inner join canonical.messages as messages using (message_id)
    where not participants.is_ours and messages.content_order is not null
    group by 1, 2
) as identities
where not exists (
    select from privacy.collection_notices as notices
    where notices.channel = identities.channel and notices.begins_at <= identities.first_at
)
group by 1
order by 1

-- deadlines --
-- What is due to people and to the Commissioner (warehouse/deadlines.py).
select 'case' as what, kind, case_id as id, due_at, received_at as since
from privacy.cases
where closed_at is null

union all

select 'incident', case when decision = 'notifiable' then 'notify' else 'assess' end, incident_id,
    case when decision = 'notifiable' then decided_at else due_at end, suspected_at
from privacy.incidents
where decided_at is null or (decision = 'notifiable' and notified_at is null)

-- certificates --
-- The last destructions.
select certificate_id, what, reason, destroyed_at, destroyed_by, counts, hash
from privacy.certificates
order by destroyed_at desc, certificate_id
limit %(most)s
