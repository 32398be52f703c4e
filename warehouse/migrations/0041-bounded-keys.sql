-- A provider's text as a key: bounded, because an entry of a btree index holds 2,700 bytes and three such texts may stand in one.
-- 119 characters are at most 476 bytes, so what is bounded already is never cut again. Not strict, so that the planner can inline it.
create function canonical.bounded_key(value text) returns text
language sql immutable parallel safe as $$
    select case when octet_length(value) > 512 then left(value, 119) || '~' || md5(value) else value end
$$;
