-- How large everything was, day by day: from it a forecast is made in words (warehouse/growth.py). Nobody's data.
create table jobs.sizes (
    noted_on date primary key default (now() at time zone 'UTC')::date,
    database_bytes bigint not null default pg_database_size(current_database()),
    -- Of the disk that the server's data lies on; null where that is not ours to see.
    disk_used bigint
);
alter table jobs.sizes owner to crm_loader;
grant select on jobs.sizes to crm_app;
