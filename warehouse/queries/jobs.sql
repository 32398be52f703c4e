What the worker does, will do and failed at. Read by crm_app; the schedule is written by crm_loader.

-- under_way --
-- What runs, then what waits, the next one first.
select
    jobs.id, jobs.task_name, jobs.status::text as status, jobs.scheduled_at, connections.name,
    connections.channel, jobs.args ->> 'connection_id' as connection_id, told.at as since
from jobs.procrastinate_jobs as jobs
left join crm.connections as connections on connections.connection_id = jobs.args ->> 'connection_id'
left join lateral (
    select max(events.at) as at from jobs.procrastinate_events as events where events.job_id = jobs.id
) as told on true
where jobs.status in ('todo', 'doing')
order by jobs.status = 'doing' desc, coalesce(jobs.scheduled_at, '-infinity'), jobs.id
limit %(most)s

-- failed --
-- What failed, the newest first, with the words of that failure, and whether the like has succeeded since.
select
    jobs.id, jobs.task_name, connections.name, connections.channel, jobs.args ->> 'connection_id' as connection_id,
    told.at as since, coalesce(failures.words, health.error) as words,
    health.error is null and health.last_succeeded_at > told.at as has_succeeded_since
from jobs.procrastinate_jobs as jobs
left join crm.connections as connections on connections.connection_id = jobs.args ->> 'connection_id'
left join lateral (
    select max(events.at) as at from jobs.procrastinate_events as events where events.job_id = jobs.id
) as told on true
left join jobs.failures as failures on failures.job_id = jobs.id
left join jobs.connection_health as health
    on health.connection_id = jobs.args ->> 'connection_id'
    and jobs.task_name like '%%' || case health.job when 'media' then 'media' else health.job || '%%' end
where jobs.status = 'failed'
order by told.at desc nulls last, jobs.id desc
limit %(most)s

-- history --
-- What each kind of job of each connection did last.
select health.*, connections.name, connections.channel
from jobs.connection_health as health
join crm.connections as connections on connections.connection_id = health.connection_id
where connections.removed_at is null
order by greatest(health.last_started_at, health.last_succeeded_at, health.last_failed_at) desc nulls last
limit %(most)s

-- schedules --
select task, cron from jobs.schedules order by task

-- forget_schedules --
delete from jobs.schedules

-- note_schedule --
insert into jobs.schedules (task, cron) values (%(task)s, %(cron)s)
on conflict (task) do update set cron = excluded.cron

-- failed_one --
select task_name, args from jobs.procrastinate_jobs where id = %(job_id)s and status = 'failed'

-- forget_failed --
delete from jobs.procrastinate_jobs where id = %(job_id)s and status = 'failed'

-- note_failure --
insert into jobs.failures (job_id, words) values (%(job_id)s, %(words)s)
on conflict (job_id) do update set failed_at = now(), words = excluded.words

-- forget_failures --
-- Of jobs that the queue has forgotten.
delete from jobs.failures
where not exists (select from jobs.procrastinate_jobs as jobs where jobs.id = failures.job_id)
