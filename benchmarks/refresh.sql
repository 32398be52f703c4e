-- make_plain --
-- What a refresh must write at least: its messages, into a table like theirs with the same indexes.
create table bench.plain (like canonical.messages including all)

-- write_plain --
insert into bench.plain select * from canonical.messages where folded_for = (select processed from canonical.horizon)

-- empty_plain --
truncate bench.plain

-- count_folded --
select count(*) from canonical.messages where folded_for = (select processed from canonical.horizon)

-- drop_plain --
drop table bench.plain
