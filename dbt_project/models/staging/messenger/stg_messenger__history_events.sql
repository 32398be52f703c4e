-- Grain: one row per version of a message in Messenger's conversations (macros/meta_history.sql).
{{ conversation_events('messenger') }}
