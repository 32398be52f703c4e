-- Grain: one row per Gmail connection. Ours are the mailbox, its aliases, and the domains the admin named
-- (docs/providers/google.md).
select
    connections.connection_id,
    lower(connections.settings ->> 'address') as mailbox,
    array(
        select canonical.mail_domain(trim(part))
        from unnest(string_to_array(connections.settings ->> 'own_domains', ',')) as part
        where trim(part) <> ''
    ) as domains,
    -- Own addresses behind which others write: web forms, groups.
    array(
        select canonical.mail_address(part)
        from unnest(string_to_array(connections.settings ->> 'reply_to_senders', ',')) as part
        where trim(part) <> ''
    ) as forwarders,
    array(
        select distinct canonical.mail_address(send_as.address)
        from {{ landed('raw_gmail', 'send_as') }} as send_as
        where send_as.connection_id = connections.connection_id
        order by 1
    ) || canonical.mail_address(connections.settings ->> 'address') as addresses
from {{ source('crm', 'connections') }} as connections
where connections.channel = 'gmail'
