-- many_keys --
-- The machine's own limit for a page: the same rows, by a key that is known.
select * from canonical.messages where message_id = any(%(message_ids)s)
