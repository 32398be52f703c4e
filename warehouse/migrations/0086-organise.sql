-- How people organise: tags on messages and conversations, who works on a conversation and how it stands, notes.
-- What is decided about a conversation is kept by one of its threads: a thread is named by the provider alone, while the conversation that
-- it is a part of may be another tomorrow (an id that turned out to be a number). Ids of conversations that were decided on lead there, too.
create table crm.conversation_ids (
    conversation_id text primary key,
    thread_id text not null
);

create table crm.tags (
    tag_id text primary key,
    name text not null check (name <> ''),
    colour text not null,
    description text not null default '',
    -- One more with each change: who changes a tag says which one they saw.
    version integer not null default 1,
    created_at timestamptz not null default now(),
    created_by text not null,
    merged_into text references crm.tags (tag_id),
    removed_at timestamptz,
    check (merged_into <> tag_id)
);
create unique index tags_name on crm.tags (lower(name)) where merged_into is null and removed_at is null;

-- Which tag is shown for each: itself, or the one that it was merged into, which was merged into none.
create view crm.shown_tags as
select tags.tag_id, coalesce(other.tag_id, tags.tag_id) as shown_tag_id, coalesce(other.name, tags.name) as name, coalesce(other.colour, tags.colour) as colour
from crm.tags as tags
left join crm.tags as other on other.tag_id = tags.merged_into;
create index tags_merged on crm.tags (merged_into) where merged_into is not null;

create table crm.taggings (
    tagging_id text primary key,
    tag_id text not null references crm.tags (tag_id),
    object_type text not null check (object_type in ('conversation', 'message')),
    -- A thread of the conversation, or the message.
    object_id text not null,
    tagged_at timestamptz not null default now(),
    tagged_by text not null,
    removed_at timestamptz,
    removed_by text,
    check ((removed_at is null) = (removed_by is null))
);
create unique index taggings_open on crm.taggings (object_id, object_type, tag_id) where removed_at is null;
create index taggings_of_tag on crm.taggings (tag_id, object_type, tagged_at) where removed_at is null;

-- The tags of before had no home; what there is moves over. The views over them are made anew.
insert into crm.tags (tag_id, name, colour, created_by)
select md5(lower(tag)), min(tag), 'grey', min(tagged_by) from crm.conversation_tags where tag <> '' group by lower(tag);
insert into crm.taggings (tagging_id, tag_id, object_type, object_id, tagged_at, tagged_by, removed_at, removed_by)
select distinct on (md5(lower(tag)), conversation_id, coalesce(removed_at::text, ''))
    tagging_id, md5(lower(tag)), 'conversation', conversation_id, tagged_at, tagged_by, removed_at, coalesce(removed_by, case when removed_at is not null then tagged_by end)
from crm.conversation_tags
where tag <> ''
order by md5(lower(tag)), conversation_id, coalesce(removed_at::text, ''), tagged_at;
drop table crm.conversation_tags cascade;
-- As readers ask for it. `conversation_id` is that of one of its threads.
create view crm.conversation_tags as
select taggings.tagging_id, taggings.object_id as conversation_id, shown.name as tag, taggings.tagged_at, taggings.tagged_by, taggings.removed_at, taggings.removed_by
from crm.taggings as taggings
join crm.shown_tags as shown using (tag_id)
where taggings.object_type = 'conversation';
update canonical.built set fingerprint = '';

-- Who has a conversation, and how it stands: one open row where anything was decided. Each change ends a row and opens the next. From now
-- on `conversation_id` is that of one of its threads, as elsewhere here.
alter table crm.assignments
    alter column assignee drop not null,
    add column state text not null default 'open' check (state in ('open', 'waiting', 'done')),
    add column due_at timestamptz,
    -- What whoever has it next should know.
    add column note text not null default '',
    -- The newest message when it was decided: what they write later opens the conversation again.
    add column until_key text not null default '';
create index assignments_undone on crm.assignments (state, assigned_at) where ended_at is null and state <> 'done';
create index assignments_of_user on crm.assignments (assignee, assigned_at) where ended_at is null and state <> 'done';
create index assignments_due on crm.assignments (due_at) where ended_at is null and state <> 'done' and due_at is not null;

-- Notes of ours, never sent to anybody. A change is a further version; the open one is what is read.
create table crm.notes (
    note_id text not null,
    version integer not null,
    object_type text not null check (object_type in ('customer', 'conversation')),
    -- The customer, or a thread of the conversation.
    object_id text not null,
    body text not null check (body <> ''),
    written_at timestamptz not null default now(),
    written_by text not null,
    ended_at timestamptz,
    ended_by text,
    primary key (note_id, version),
    check ((ended_at is null) = (ended_by is null))
);
create unique index notes_open on crm.notes (note_id) where ended_at is null;
create index notes_of_object on crm.notes (object_id, object_type, written_at) where ended_at is null;

-- What a person looked at last, for what came in since.
create table crm.last_looks (
    user_name text primary key,
    looked_at timestamptz not null
);

grant select, insert, update on crm.conversation_ids, crm.tags, crm.taggings, crm.notes, crm.last_looks to crm_app;
grant select on crm.shown_tags, crm.conversation_tags to crm_app, crm_transformer;

-- One notice for each such decision: the ledger says whose pages it concerns, and of which conversation.
drop trigger assignments_opened on crm.assignments;
drop trigger assignments_ended on crm.assignments;
drop function crm.tell_conversations();
create function crm.tell_organised() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
    perform pg_notify('crm_changed', case
        when count(*) > 100 then '{"many": true, "beside": true}'
        else jsonb_build_object(
            'identities', '[]'::jsonb, 'beside', true,
            'customers', to_jsonb(array(select distinct unnest(others.customer_ids) from changed as others where others.action ~ '^(conversation|message|note|tag)\.' limit 100)),
            'conversations', coalesce(jsonb_agg(distinct left(object_id, 500)) filter (where object_type = 'conversation'), '[]')
        )::text
    end)
    from changed
    where action ~ '^(conversation|message|note|tag)\.'
    having count(*) > 0;
    return null;
end $$;
create trigger decisions_are_told after insert on crm.decision_changes
    referencing new table as changed for each statement execute function crm.tell_organised();
