-- Whether a delivery would be stored is tried by storing something: some KiB, so that it needs a new page now and then, gone again at once.
create table raw.write_trials (filling text not null);
alter table raw.write_trials alter column filling set storage plain;
alter table raw.write_trials owner to crm_keeper;
create function raw.try_write() returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if pg_is_in_recovery() then
        return false;
    end if;
    delete from only raw.write_trials;
    insert into raw.write_trials select repeat('x', 7000) from generate_series(1, 2);
    return true;
end $$;
alter function raw.try_write() owner to crm_keeper;
revoke execute on function raw.try_write() from public;
grant execute on function raw.try_write() to crm_receiver;
