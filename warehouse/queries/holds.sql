-- Legal holds. Run by warehouse/decisions/holds.py as crm_app, with the event.

-- place --
insert into privacy.holds (hold_id, covers, object_id, reason, placed_by)
values (%(hold_id)s, %(covers)s, %(object_id)s, %(reason)s, %(placed_by)s)

-- release --
update privacy.holds
set released_at = now(), released_by = %(released_by)s, release_reason = %(reason)s
where hold_id = %(hold_id)s and released_at is null
returning covers, object_id

-- customer --
select customer_id from crm.customers where customer_id = %(id)s

-- tag --
select shown_tag_id from crm.shown_tags as tags where lower(name) = lower(%(id)s) order by shown_tag_id limit 1

-- holds --
-- The open ones first.
select
    hold_id, covers, object_id, reason, placed_at, placed_by, released_at, released_by, release_reason,
    coalesce(
        customers.name,
        (select max(name) from crm.shown_tags where covers = 'tag' and shown_tag_id = object_id),
        object_id
    ) as named,
    --> customer_card.known_by
    as known_by
from privacy.holds as holds
left join crm.customers as customers on holds.covers = 'customer' and customers.customer_id = holds.object_id
where %(released)s or released_at is null
order by released_at is not null, placed_at desc, hold_id
