-- Grain: one row per version of a message in Instagram's conversations (macros/meta_history.sql).
{{ conversation_events('instagram') }}
