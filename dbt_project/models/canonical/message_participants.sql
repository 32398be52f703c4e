-- Grain: one row per message, identity and role. The timeline of an identity is a scan of its index.
-- The counts of identities read what stood here before, so they come first.
-- depends_on: {{ ref('touched_identities') }}
{{ config(
    meta={'forget': 'batch', 'forget_key': 'message_id'},
    indexes=[{'columns': ['message_id']}],
    post_hook=[
        index_of("message_participants_timeline", "(identity, sort_key) include (message_id, sent_at, role, display_name) where is_first and not is_ours"),
        index_of("message_participants_senders", "(identity, sort_key) where role = 'from'"),
    ],
) }}
{{ participants_of(folded_now()) }}
