-- Customers are found by a part of any identity, without a look at every link.
create index identity_links_parts on crm.identity_links using gin (identity gin_trgm_ops) where ended_at is null;
-- And listed by name, or the newest first.
create index customers_by_name on crm.customers (lower(name), customer_id);
create index customers_by_time on crm.customers (created_at, customer_id);
