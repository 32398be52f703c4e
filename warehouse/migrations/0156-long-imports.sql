-- A list that was imported by a version that cut none was one decision, and of more than 50,000 changes nothing is undone at once. It becomes
-- several decisions, as such a list is today: the same who, when and why; the changes of one customer stay together. The first keeps the id.
create temporary table long_imports on commit drop as
select decision_id, change_no, object_id, action,
    case when changes <= 20000 then (first_place - 1) / 20000 else (place - 1) / 20000 end as part
from (
    select *,
        min(place) over (partition by decision_id, customer_id) as first_place,
        count(*) over (partition by decision_id, customer_id) as changes
    from (
        select decision_id, change_no, object_id, action, customer_id,
            row_number() over (partition by decision_id order by first_no, change_no) as place
        from (
            select changes.decision_id, changes.change_no, changes.object_id, changes.action,
                coalesce(changes.customer_ids[1], '') as customer_id,
                min(changes.change_no) over (partition by changes.decision_id, coalesce(changes.customer_ids[1], '')) as first_no
            from crm.decision_changes as changes
            where changes.decision_id in (
                select decision_id
                from crm.decisions
                inner join crm.decision_changes using (decision_id)
                where decisions.undone_at is null and decisions.undoes is null
                group by decision_id
                having count(*) > 50000
                    and bool_and(decision_changes.action in ('customer.create', 'identity.link', 'identity.unmark'))
            )
        ) as begun
    ) as placed
) as counted;

insert into crm.decisions (decision_id, at, actor, role, action, reason)
select distinct on (parts.decision_id, parts.part)
    md5(parts.decision_id || ' ' || parts.part), decisions.at, decisions.actor, decisions.role,
    case when parts.action = 'identity.unmark' then 'identity.link' else parts.action end, decisions.reason
from long_imports as parts
inner join crm.decisions as decisions using (decision_id)
where parts.part > 0
order by parts.decision_id, parts.part, parts.change_no;

update crm.identity_links as links
set decision_id = md5(parts.decision_id || ' ' || parts.part)
from long_imports as parts
where parts.part > 0 and parts.action = 'identity.link'
    and links.decision_id = parts.decision_id and links.identity = parts.object_id;

update crm.decision_changes as changes
set decision_id = md5(parts.decision_id || ' ' || parts.part)
from long_imports as parts
where parts.part > 0 and changes.change_no = parts.change_no;
