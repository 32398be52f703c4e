-- Grain: one row per event in a POST of Instagram (macros/meta.sql).
{{ messaging_events('instagram', 'account_id') }}
