-- A tag that was removed is shown on nothing, nor is one that was merged into it. What bears it keeps it, so that undo restores all of it.
create or replace view crm.shown_tags as
select tags.tag_id, coalesce(other.tag_id, tags.tag_id) as shown_tag_id, coalesce(other.name, tags.name) as name, coalesce(other.colour, tags.colour) as colour
from crm.tags as tags
left join crm.tags as other on other.tag_id = tags.merged_into
where tags.removed_at is null and other.removed_at is null;

-- What was removed lately, to be brought back.
create index tags_removed on crm.tags (removed_at) where removed_at is not null;
