-- One writer per schema. The roles exist before the first migration: migrate.py makes them.
create schema raw;
create schema crm;
create schema jobs authorization crm_loader;
create schema staging authorization crm_transformer;
create schema canonical authorization crm_transformer;
create schema marts authorization crm_transformer;

create extension if not exists pg_trgm;
create extension if not exists unaccent;
create extension if not exists btree_gin;

grant usage on schema raw to crm_receiver, crm_transformer, crm_loader, crm_app;
grant usage on schema crm to crm_app, crm_receiver, crm_transformer, crm_loader;
grant usage on schema jobs to crm_transformer, crm_app;
grant usage on schema canonical to crm_app;
grant usage on schema marts to crm_app, crm_analyst;

alter default privileges for role crm_transformer in schema canonical grant select on tables to crm_app;
alter default privileges for role crm_transformer in schema marts grant select on tables to crm_app, crm_analyst;
alter default privileges for role crm_loader in schema jobs grant select on tables to crm_transformer, crm_app;

revoke create on schema public from public;
