-- What became of each attachment and recording that must be fetched from a provider. Written by the fetching jobs
-- (pipelines/fetch.py); what to fetch stands in canonical.attachments, and can be rebuilt, while this cannot.
create table jobs.media (
    -- As the fold writes it: an index of another collation would serve no join with the models.
    message_id text collate "C" not null,
    attachment_id text not null,
    channel text not null,
    connection_id text not null,
    -- waiting: it is tried (again) at next_try_at. expired: the provider has it no longer. refused: we do not take it.
    -- failed: given up. unavailable: the provider has nothing that could be read.
    state text not null check (state in ('waiting', 'stored', 'expired', 'refused', 'failed', 'unavailable')),
    -- Of the bytes in the media store, once stored.
    sha256 text,
    size_bytes bigint,
    -- What the bytes are, whatever the sender called them.
    sniffed_type text,
    -- Of images, from their header.
    width integer,
    height integer,
    -- Whether a page may show or play it by itself.
    is_inline boolean not null default false,
    -- In words for the page and the admin: why it is not stored, or why it is not shown. Never a URL.
    reason text,
    attempts integer not null default 0,
    first_tried_at timestamptz,
    last_tried_at timestamptz,
    -- Null once the state is final.
    next_try_at timestamptz,
    primary key (message_id, attachment_id),
    check ((state = 'waiting') = (next_try_at is not null)),
    check ((state = 'stored') = (sha256 is not null))
);
alter table jobs.media owner to crm_loader;
create index media_due on jobs.media (connection_id, next_try_at) where next_try_at is not null;
create index media_states on jobs.media (connection_id, state);
-- Which attachments hold these bytes: what may be destroyed only with the last of them.
create index media_sha256 on jobs.media (sha256) where sha256 is not null;
grant select on jobs.media to crm_transformer, crm_app;

-- Someone wants another try, now. Definer's rights: the app decides, and writes nothing in this schema itself.
create function jobs.retry_media(of_message text, of_attachment text) returns boolean
language plpgsql security definer set search_path = pg_catalog as $$
begin
    update jobs.media
    set state = 'waiting', reason = null, attempts = 0, first_tried_at = null, next_try_at = now()
    where message_id = of_message and attachment_id = of_attachment and state <> 'stored';
    if not found then
        return false;
    end if;
    perform pg_notify('crm_refreshed', '');
    return true;
end $$;
alter function jobs.retry_media(text, text) owner to crm_loader;
revoke execute on function jobs.retry_media(text, text) from public;
grant execute on function jobs.retry_media(text, text) to crm_loader, crm_app;
