-- A mail as its sender designed it (app/designed.py).

-- mail_to_show --
-- The stored mail behind a message with all that decides who may see it, and its pictures by their content id.
select
    messages.removal is not distinct from 'unsent' as is_unsent,
    messages.provider_metadata ->> 'raw_sha256' as sha256,
    array(
        select distinct identities.customer_id
        from canonical.message_participants as people
        cross join lateral (
            select known.customer_id from canonical.customer_identities as known where known.identity = people.identity limit 1
        ) as identities
        where people.message_id = messages.message_id
    ) as customer_ids,
    coalesce(
        (
            select jsonb_object_agg(attachment ->> 'content_id', attachment ->> 'attachment_id')
            from jsonb_array_elements(messages.attachments) as attachment
            where attachment ->> 'content_id' <> ''
        ), '{}'
    ) as pictures
from canonical.messages as messages
where messages.message_id = %(message_id)s and messages.kind = 'email' and messages.content_order is not null
