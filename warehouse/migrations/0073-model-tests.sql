-- What dbt's data tests found on the running warehouse at their last run (pipelines/model_tests.py): one row a test, replaced whole.
-- No rows, no values: a test that fails is looked at by `./crm dbt test --select <test> --store-failures` or its compiled query.
create table jobs.model_tests (
    test text primary key,
    -- pass, warn, fail; error where it could not be run, or not within its time
    status text not null,
    -- How many rows it found wrong.
    failures bigint not null,
    tested_at timestamptz not null
);
alter table jobs.model_tests owner to crm_loader;
grant select on jobs.model_tests to crm_app;
create trigger model_tests_are_told after insert or update or delete on jobs.model_tests
    for each statement execute function crm.tell_health();
