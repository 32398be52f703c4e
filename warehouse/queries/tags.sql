-- The tags there are, for those who look after them.

-- listed --
-- Every tag with how many conversations and messages bear it or what was merged into it, counted to a limit.
select
    tags.tag_id, tags.name, tags.colour, tags.description, tags.version,
    bearing.conversations, bearing.messages, bearing.is_cut,
    array(select others.name from crm.tags as others where others.merged_into = tags.tag_id order by lower(others.name)) as merged
from crm.tags as tags
cross join lateral (
    select
        count(distinct coalesce(threads.conversation_id, borne.object_id)) filter (where borne.object_type = 'conversation') as conversations,
        count(distinct borne.object_id) filter (where borne.object_type = 'message') as messages,
        count(*) > %(most)s as is_cut
    from (
        select taggings.object_type, taggings.object_id
        from crm.taggings as taggings
        where taggings.removed_at is null
            and taggings.tag_id = any(array(select others.tag_id from crm.tags as others where others.tag_id = tags.tag_id or others.merged_into = tags.tag_id))
        limit %(most)s + 1
    ) as borne
    left join canonical.threads as threads on borne.object_type = 'conversation' and threads.thread_id = borne.object_id
) as bearing
where tags.merged_into is null and tags.removed_at is null
order by lower(tags.name)

-- removed --
-- What was removed lately by somebody who looks after tags.
select tags.tag_id, tags.name, tags.colour, tags.description, tags.version, tags.removed_at
from crm.tags as tags
where tags.removed_at is not null
    and exists (
        select from crm.decision_changes as changes
        where changes.object_type = 'tag' and md5(changes.object_id) = md5(tags.tag_id) and changes.object_id = tags.tag_id and changes.action = 'tag.discard'
    )
order by tags.removed_at desc
limit %(page_size)s

-- history --
-- What was decided on a tag and on those that were merged into it, newest first.
select
    decisions.decision_id, decisions.at, decisions.actor, decisions.undoes, decisions.undone_at, decisions.undone_by,
    changes.action, changes.data, tags.name as tag, target.name as into_tag
from crm.decision_changes as changes
inner join crm.decisions as decisions using (decision_id)
left join crm.tags as tags on tags.tag_id = changes.object_id
left join crm.tags as target on target.tag_id = changes.data ->> 'into'
where changes.object_type = 'tag'
    and md5(changes.object_id) = any(
        array(select md5(of_it.tag_id) from crm.tags as of_it where of_it.tag_id = %(tag_id)s or of_it.merged_into = %(tag_id)s)
    )
    and changes.action in ('tag.change', 'tag.merge', 'tag.part', 'tag.discard', 'tag.recover')
order by changes.change_no desc
limit %(page_size)s
