-- Grain: one row per message of a third of the channels, while everything is built whole. Empty otherwise.
{{ whole_messages(2) }}
