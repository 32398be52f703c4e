-- What a provider told of two identities, for pages that look up one identity at a time: canonical.live_aliases says the same of all
-- of them, and would be computed whole. Both must agree, or a message would stand in no timeline and in no queue.

-- The identity that this one is the same person's as, by what is stored; null where nothing is told. plpgsql: the table is dbt's.
create function canonical.same_person(of_identity text) returns text
language plpgsql stable strict parallel safe as $$
declare
    first text;
    further text;
begin
    -- Only WhatsApp's own ids lead to another identity by themselves.
    if of_identity not like 'bsuid%' then
        return null;
    end if;
    select told.same_as into first from canonical.same_as as told
    where told.identity = of_identity and told.how in ('seen together', 'changed user id')
    order by told.how = 'seen together' desc, told.last_at desc, told.same_as collate "C"
    limit 1;
    -- An id that replaced another leads on to the number of that one.
    select told.same_as into further from canonical.same_as as told
    where told.identity = first and told.how in ('seen together', 'changed user id')
    order by told.how = 'seen together' desc, told.last_at desc, told.same_as collate "C"
    limit 1;
    return coalesce(further, first);
end $$;

-- The other way round: the identities that lead to this one.
create function canonical.same_people(as_identity text) returns setof text
language plpgsql stable strict parallel safe rows 1 as $$
begin
    if as_identity !~ '^(phone|bsuid)' then
        return;
    end if;
    return query
    with candidates as (
        select first.identity from canonical.same_as as first where first.same_as = as_identity
        union
        select second.identity
        from canonical.same_as as first
        inner join canonical.same_as as second on second.same_as = first.identity
        where first.same_as = as_identity
    )
    select candidates.identity from candidates where canonical.same_person(candidates.identity) = as_identity;
end $$;
