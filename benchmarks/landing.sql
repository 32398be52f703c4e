-- stored --
-- What landed: only deliveries whose key stands too, each once.
select count(distinct deliveries.delivery_id)
from raw.webhook_deliveries as deliveries
inner join raw.delivery_keys as keys using (connection_id, delivery_key, delivery_id)
