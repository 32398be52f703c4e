-- Customers are found by parts of their names, accents and case folded, and with typos.
create index customers_searched_name on crm.customers using gin (canonical.search_text(name) gin_trgm_ops);

-- And messages by what was decided on their conversations.
create index conversation_tags_by_name on crm.conversation_tags (lower(tag), conversation_id) where removed_at is null;
create index assignments_by_assignee on crm.assignments (lower(assignee), conversation_id) where ended_at is null;
