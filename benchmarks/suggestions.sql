-- People whose truth is known, put where the fold would put what they wrote.

-- put_messages --
copy canonical.messages (message_id, channel, counterpart_identity, kind, body, direction, content_order, is_deleted, sent_at) from stdin

-- put_participants --
copy canonical.message_participants (message_id, identity, role, is_ours, is_first, display_name, sent_at) from stdin

-- put_identities --
copy canonical.identities (identity, display_name, first_seen_at, last_seen_at, last_inbound_at, last_inbound_key, message_count) from stdin

-- put_customers --
copy crm.customers (customer_id, name, created_by) from stdin

-- put_links --
copy crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason) from stdin

-- gather_statistics --
analyze

-- all_suggestions --
select identity, customer_id, score, blocker from marts.link_suggestions
