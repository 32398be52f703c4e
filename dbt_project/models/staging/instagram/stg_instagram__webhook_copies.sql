-- Grain: one row per message, revision, reaction or status that an event of Instagram tells (macros/meta.sql).
{{ messaging_copies('instagram', 'igsid') }}
