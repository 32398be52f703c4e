-- make_plain --
-- What a fold must write at least: its messages, into a table like theirs with the same indexes.
create table bench.plain (like canonical.messages including all)

-- make_fresh --
create table bench.fresh (like canonical.messages)

-- choose_fresh --
-- Without watermarks and the ids of legs: they are rows of the table and no messages.
insert into bench.fresh
select * from canonical.messages
where folded_in = %(fold)s and content_order is not null

-- write_plain --
insert into bench.plain select * from bench.fresh

-- empty --
truncate bench.plain, bench.fresh

-- count_fresh --
select count(*) from bench.fresh

-- drop --
drop table bench.plain, bench.fresh

-- forget_what_stands --
-- The next build is a first one: it takes in all of raw, and leaves no backlog for the slower fold.
update canonical.built set statements = null
