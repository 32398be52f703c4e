-- People whose truth is known, put where the fold would put what they wrote.

-- put_messages --
copy canonical.messages (message_id, channel, counterpart_identity, kind, body, direction, content_order, is_deleted, sent_at, provider_metadata) from stdin

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

-- put_mails --
-- Of a mail that asks for answers elsewhere what the models read of it.
copy raw_gmail.messages (
    connection_id, mailbox, id, thread_id, history_id, label_ids, internal_date, version, raw_sha256, raw_size_bytes, envelope, body_text, body_format,
    attachments, parser_version, parse_notes, pulled_at, size_estimate, _dlt_id, _dlt_load_id
) from stdin

-- put_changed_numbers --
copy canonical.same_as (pair_id, identity, same_as, how, first_at, last_at, message_id) from stdin
