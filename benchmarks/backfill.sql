-- make_plain --
create table public.plain (like raw_twilio_sms.messages including all)

-- copy_out --
copy raw_twilio_sms.messages to stdout

-- copy_in --
copy public.plain from stdin

-- drop --
drop table public.plain

-- count_messages --
select
    (select count(*) from raw_twilio_sms.messages),
    (select count(*) from canonical.messages where content_order is not null)
