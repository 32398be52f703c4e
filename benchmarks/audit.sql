-- make_events --
-- Looks of some dozens of people at some thousands of customers, one every few seconds, as they are noted.
insert into crm.events (event_id, at, actor, role, action, object_type, object_id, customer_ids, detail, session_id, ip)
select
    md5(n::text), now() - (%(events)s - n) * interval '3 seconds', 'person' || n %% 40, 'agent',
    (array['timeline.view', 'customer.search', 'message.search', 'message.view'])[1 + n %% 4],
    'customer', md5((n %% 5000)::text),
    array(select md5(((n + each) %% 5000)::text) from generate_series(1, case when n %% 4 = 1 then 50 else 1 end) as each),
    jsonb_build_object('query', 'customer number ' || n, 'count', n %% 50), md5((n / 200)::text), '203.0.113.7'
from generate_series(1, %(events)s) as n

-- gather_statistics --
analyze crm.events

-- look --
select event_id from crm.events order by at desc limit 1
