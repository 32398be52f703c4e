-- add_people --
insert into crm.users (user_name, display_name, email, role, password_hash)
select name, initcap(name), name || '@example.com', 'agent', 'no password opens this'
from unnest(%(names)s::text[]) as name

-- decided --
-- What each of these people decided, and of how many of their decisions the log has not the one event.
select
    decisions.actor,
    count(*),
    count(*) filter (where (
        select count(*) from crm.events as events
        where events.action = decisions.action and events.detail ->> 'decision_id' = decisions.decision_id
    ) <> 1)
from crm.decisions as decisions
where decisions.actor = any(%(names)s)
group by decisions.actor

-- conversations --
-- How many of these customers have written, as pages show it.
select count(distinct customer_id) from marts.timeline where customer_id = any(%(customers)s)

-- sessions_ended --
select count(*) from crm.sessions where user_name = any(%(names)s) and revoked_at is not null
