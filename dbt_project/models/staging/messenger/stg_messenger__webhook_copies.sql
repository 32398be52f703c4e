-- Grain: one row per message, revision, reaction or status that an event of Messenger tells (macros/meta.sql).
{{ messaging_copies('messenger', 'psid') }}
