-- Grain: one row per event in a POST of Messenger (macros/meta.sql).
{{ messaging_events('messenger', 'page_id') }}
