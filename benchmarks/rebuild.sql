-- make_plain --
create table bench.plain (like canonical.messages including all)

-- write_plain --
insert into bench.plain select * from canonical.messages

-- drop --
drop table bench.plain

-- now --
select clock_timestamp()

-- count_raw --
select
    (select count(*) from raw.webhook_deliveries) + (select count(*) from raw_twilio_sms.messages) + (select count(*) from raw_gmail.messages),
    (select sum(pg_table_size(inhrelid)) from pg_inherits where inhparent = 'raw.webhook_deliveries'::regclass)::bigint
        + pg_table_size('raw_twilio_sms.messages') + pg_table_size('raw_gmail.messages')
