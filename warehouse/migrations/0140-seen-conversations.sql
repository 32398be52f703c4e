-- Of each conversation that a person said they had seen, up to which message. A moment cannot say it: what was written before it may come in
-- after it, and of a list that is cut nobody has seen the rest.
create table crm.seen_conversations (
    user_name text not null,
    conversation_id text not null,
    -- The sort key of the newest message that stood on the screen.
    seen_key text collate "C" not null,
    seen_at timestamptz not null default now(),
    primary key (user_name, conversation_id)
);
grant select, insert, update, delete on crm.seen_conversations to crm_app;
