Notices to admins that something is wrong, or no longer (app/alerts.py). Run as crm_app.

-- state --
-- Nothing where another process looks at this moment.
select told, seen, seen_since, now() as now from crm.alert_state for update skip locked

-- note_seen --
update crm.alert_state set seen = %(seen)s, seen_since = now()

-- note_told --
update crm.alert_state set told = %(told)s

-- add --
insert into crm.alerts (alert_id, way, subject, body) values (%(alert_id)s, %(way)s, %(subject)s, %(body)s)

-- take --
-- The next one that is due, and its next attempt ahead: whoever dies over it has used one up.
update crm.alerts
set
    attempts = attempts + 1,
    next_try_at = case when attempts + 1 < %(most)s then now() + %(pause)s::interval * power(4, attempts) end,
    error = 'it was not sent to the end'
where alert_id = (
    select alert_id from crm.alerts
    where sent_at is null and next_try_at <= now()
    order by made_at, alert_id
    limit 1
    for update skip locked
)
returning alert_id, way, subject, body, attempts, made_at

-- note_sent --
update crm.alerts set sent_at = now(), next_try_at = null, error = null where alert_id = %(alert_id)s

-- note_failed --
update crm.alerts set error = %(error)s where alert_id = %(alert_id)s

-- forget --
delete from crm.alerts where made_at < now() - interval '90 days'

-- newest --
select alert_id, made_at, way, subject, attempts, next_try_at, sent_at, error
from crm.alerts
order by made_at desc, alert_id
limit %(most)s

-- admins --
-- Whom a notice may go to by mail: nobody else.
select distinct email from crm.users where role = 'admin' and disabled_at is null and email <> '' order by email
