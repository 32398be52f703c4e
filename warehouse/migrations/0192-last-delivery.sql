-- When a connection last heard something is asked for every page of an admin. Without an index by connection that reads back
-- through all that the others received: 97 s for nine connections beside 400,000 deliveries, 13 ms with it.
create index webhook_deliveries_connection_id on raw.webhook_deliveries (connection_id, received_at);
