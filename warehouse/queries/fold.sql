-- The state of the fold, and what surrounds its statements (transform/fold.py). The statements themselves are dbt's.

-- begin_fold --
-- A number for this fold, and what it takes in: all that this transaction sees, or less of a long backlog (`until`, a transaction id). Waits
-- for whoever folds or swaps right now.
update canonical.fold_state
set
    fold = fold + 1,
    target = case
        when %(until)s::text is null or %(until)s::xid8 >= pg_snapshot_xmax(pg_current_snapshot()) then pg_current_snapshot()
        else (
            select
                least(pg_snapshot_xmin(pg_current_snapshot()), %(until)s::xid8)::text || ':' || %(until)s || ':'
                || coalesce(string_agg(xip::text, ',' order by xip) filter (where xip < %(until)s::xid8), '')
            from pg_snapshot_xip(pg_current_snapshot()) as xip
        )::pg_snapshot
    end
where build = %(build)s
returning fold

-- end_fold --
update canonical.fold_state set folded = target, folded_at = clock_timestamp() where build = %(build)s

-- end_forgetting --
-- Ids of what was destroyed stand no longer than they are needed: until the tables that serve and those that are built beside them have
-- taken it in.
delete from privacy.forgetting as forgetting
where not exists (
    select from canonical.fold_state as state
    where not pg_visible_in_snapshot(forgetting.transaction_id, state.folded)
)

-- lock_fold --
select folded::text as folded from canonical.fold_state where build = %(build)s for update

-- cluster --
-- Whose transaction ids stand in the state, and whose these are.
select fold_state.system_identifier, control.system_identifier::text as here
from canonical.fold_state as fold_state
cross join pg_control_system() as control
where fold_state.build = 'live'

-- cluster_by_transactions --
-- Where the server does not tell: another one, if the progress lies in the future.
select
    fold_state.system_identifier,
    case when pg_snapshot_xmax(folded) > pg_snapshot_xmax(pg_current_snapshot()) then 'another' else fold_state.system_identifier end as here
from canonical.fold_state as fold_state
where build = 'live'

-- note_cluster --
update canonical.fold_state set system_identifier = %(here)s

-- adopt_cluster --
-- After a restore into another cluster. Nothing of this cluster counts as folded yet; what the dump brought with ids of transactions that are
-- still to come here is remembered, so that a rebuild takes it in.
update canonical.fold_state
set
    folded = '1:1:',
    target = '1:1:',
    system_identifier = %(here)s,
    restored_from = pg_snapshot_xmax(pg_current_snapshot()),
    restored_until = greatest(restored_until, %(restored_until)s::xid8)

-- record_fold --
insert into canonical.folds (started_at, finished_at, fold, raw_rows, messages, error, seconds)
values (
    clock_timestamp() - make_interval(secs => %(seconds)s), clock_timestamp(), %(fold)s, %(raw_rows)s, %(messages)s, %(error)s, %(seconds)s
)
on conflict (started_at) do nothing

-- forget_folds --
-- The newest good one stays for the health page, whatever its age.
delete from canonical.folds
where started_at < now() - interval '2 days'
    and started_at < (select max(started_at) from canonical.folds where error is null)

-- forget_folded_lately --
delete from canonical.folded_lately where folded_at < now() - interval '2 days'

-- note_folded --
-- What a watchdog compares with what landed: deliveries, and loads of histories.
insert into canonical.folded_lately (raw_table, row_id)
select distinct raw_table, load_id from new_rows
where raw_table <> 'privacy.forgetting'
on conflict (raw_table, row_id) do update set folded_at = excluded.folded_at

-- note_built --
-- The same of what a build took in: a fold has said it of most, but not of what landed before the first build, nor just before a swap.
insert into canonical.folded_lately (raw_table, row_id)
select 'raw.webhook_deliveries', landed.delivery_id::text
from raw.webhook_deliveries as landed
where landed.received_at >= now() - interval '2 days'
    and pg_visible_in_snapshot(landed.transaction_id, (select folded from canonical.fold_state where build = 'next'))
    and not exists (
        select from canonical.folded_lately as known
        where known.raw_table = 'raw.webhook_deliveries' and known.row_id = landed.delivery_id::text
    )
on conflict (raw_table, row_id) do nothing

-- histories --
-- The tables that loads of histories fill.
select namespaces.nspname as schema, classes.relname as name
from pg_class as classes
join pg_namespace as namespaces on namespaces.oid = classes.relnamespace
where classes.relkind = 'r' and namespaces.nspname ~ '^raw_[a-z_]+$' and namespaces.nspname !~ '_staging$'
    and 2 = (
        select count(*) from pg_attribute as attributes
        where attributes.attrelid = classes.oid and attributes.attname in ('transaction_id', '_dlt_load_id') and not attributes.attisdropped
    )

-- note_newest_load --
-- As above, of the history that the program names.
insert into canonical.folded_lately (raw_table, row_id)
select %(raw_table)s, _dlt_load_id
from (
    select _dlt_load_id
    from {history}
    where pg_visible_in_snapshot(transaction_id, (select folded from canonical.fold_state where build = 'next'))
    order by transaction_id desc
    limit 1
) as newest
on conflict (raw_table, row_id) do nothing

-- new_rows --
-- As they stand in the working table, oldest transaction first.
select raw_table, row_id, channel, connection_id, received_at
from new_rows
where not is_set_aside
order by transaction_id, raw_table, row_id

-- new_channels --
select distinct channel from new_rows

-- cuts --
-- Where a long backlog is cut, the oldest part first: each part goes up to a transaction id and has about so many rows. A transaction is never
-- cut; the last part is what comes behind the last cut.
select (transaction_id::text::numeric + 1)::text as until
from (
    select
        transaction_id,
        div(total, %(rows)s) as part,
        lead(div(total, %(rows)s)) over (order by transaction_id) as next_part
    from (
        select transaction_id, sum(count(*)) over (order by transaction_id) as total from new_rows group by transaction_id
    ) as running
) as parts
where next_part > part
order by transaction_id

-- notice --
-- Whom this fold touched, for pages that have them open; the larger lists are left out, and `many` says so.
with

people as (

    select distinct person ->> 'identity' as identity
    from batch
    cross join lateral jsonb_array_elements(participants) as person
    where content_order is not null and not (person ->> 'is_ours')::boolean and person ->> 'identity' is not null

    union

    select identity from touched_identities

    union

    select identity from touched_pairs

),

known as materialized (

    select identity from people limit 200

),

customers as (

    select links.customer_id
    from known
    inner join crm.identity_links as links on links.identity = known.identity and links.ended_at is null

    union

    select links.customer_id
    from known
    inner join canonical.aliases as aliases on aliases.identity = known.identity
    inner join crm.identity_links as links on links.identity = aliases.same_as and links.ended_at is null

),

told as (

    select jsonb_build_object(
        'fold', %(fold)s::bigint,
        'identities', coalesce((select jsonb_agg(identity) from known), '[]'),
        'customers', coalesce((select jsonb_agg(customer_id) from customers), '[]'),
        'conversations', coalesce(
            (select jsonb_agg(conversation_id) from (select conversation_id from touched_conversations limit 200) as few), '[]'
        ),
        'attachments', exists (select 1 from batch where attachments <> '[]')
    ) as named

)

select pg_notify(
    'crm_changed',
    crm.bounded_notice(
        case when (select count(*) from people) <= 200 then named end,
        jsonb_build_object('fold', %(fold)s::bigint, 'many', true, 'attachments', named -> 'attachments')
    )
)
from told

-- set_aside_others --
-- While a culprit is looked for: every new row but those that are tried. The reason follows, or the row goes again.
insert into canonical.set_aside (raw_table, row_id, channel)
select others.raw_table, others.row_id, ''
from unnest(%(raw_tables)s::text[], %(row_ids)s::text[]) as others (raw_table, row_id)
on conflict do nothing

-- put_back_others --
delete from canonical.set_aside where reason is null

-- set_aside --
insert into canonical.set_aside (raw_table, row_id, channel, connection_id, received_at, reason)
values (%(raw_table)s, %(row_id)s, %(channel)s, %(connection_id)s, %(received_at)s, %(reason)s)
on conflict (raw_table, row_id) do update set reason = excluded.reason

-- standing --
select fingerprint, statements, built_at from canonical.built

-- built_at --
select built_at from canonical.built where statements is not null

-- set_built --
update canonical.built set fingerprint = %(fingerprint)s, statements = %(statements)s::jsonb, built_at = now()

-- begin_build --
-- What the tables beside are built up to: exactly what the serving ones hold, so that the two can be compared.
insert into canonical.fold_state (build, folded, target, fold, system_identifier, restored_from, restored_until)
select 'next', folded, folded, fold, system_identifier, restored_from, restored_until from canonical.fold_state where build = 'live'
on conflict (build) do update
set folded = excluded.folded, target = excluded.target, fold = excluded.fold, system_identifier = excluded.system_identifier,
    restored_from = excluded.restored_from, restored_until = excluded.restored_until

-- begin_first_build --
-- As above, where nothing stands: up to now.
insert into canonical.fold_state (build, folded, target, fold, system_identifier)
select 'next', pg_current_snapshot(), pg_current_snapshot(), fold, system_identifier from canonical.fold_state where build = 'live'
on conflict (build) do update set folded = excluded.folded, target = excluded.target, fold = excluded.fold

-- take_over_state --
update canonical.fold_state as live
set folded = beside.folded, target = beside.target, fold = greatest(live.fold, beside.fold) + 1, folded_at = clock_timestamp()
from canonical.fold_state as beside
where live.build = 'live' and beside.build = 'next'

-- forget_build --
delete from canonical.fold_state where build = 'next'

-- relations --
-- Views and tables of a schema that dbt made, views first and dependents before what they read. The state of the fold is no model's.
select classes.relname as name, classes.relkind in ('v', 'm') as is_view
from pg_class as classes
where classes.relnamespace = to_regnamespace(%(schema)s)
    and classes.relkind in ('r', 'p', 'v')
    and not (%(schema)s = 'canonical' and classes.relname in ('fold_state', 'folds', 'folded_lately', 'set_aside', 'built'))
order by classes.relkind = 'v' desc, classes.oid desc

-- hash_of_messages --
-- One number for the whole table: equal rows in any order give equal sums. The number of the fold that wrote a row is no part of the message.
select
    count(*) as rows,
    coalesce(sum(hashtextextended((to_jsonb(messages) - 'folded_in')::text, 0)::numeric), 0)::text as hash
from canonical.messages as messages

-- hash_of_messages_beside --
select
    count(*) as rows,
    coalesce(sum(hashtextextended((to_jsonb(messages) - 'folded_in')::text, 0)::numeric), 0)::text as hash
from canonical_next.messages as messages
