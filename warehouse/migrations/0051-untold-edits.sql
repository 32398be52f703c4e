-- Messages of the last days that were edited and whose new text no webhook told: which, and which edit. The loader asks the
-- provider for them; of the messages themselves it reads nothing. Empty while the models are being made.
create function canonical.untold_edits(of_connection text, most integer)
returns table (provider_message_id text, edit text)
language plpgsql stable security definer set search_path = pg_catalog as $$
begin
    return query
    select messages.provider_message_id::text, messages.revision::text
    from canonical.messages as messages
    where
        messages.connection_id = of_connection
        and messages.received_at > now() - interval '8 days'
        and messages.provider_metadata ->> 'edit_untold' = 'true'
    order by messages.received_at desc
    limit most;
exception
    when undefined_table or undefined_column then return;
end $$;
alter function canonical.untold_edits(text, integer) owner to crm_transformer;
revoke all on function canonical.untold_edits(text, integer) from public;
grant execute on function canonical.untold_edits(text, integer) to crm_loader;
