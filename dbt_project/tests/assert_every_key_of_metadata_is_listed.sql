-- What providers tell beside the columns is listed with its meaning (metadata_keys.csv). Rows are keys that nobody could look up.
select distinct told.name
from {{ ref('messages') }} as messages
cross join lateral jsonb_object_keys(messages.provider_metadata) as told (name)
where not exists (select 1 from {{ ref('metadata_keys') }} as known where known.name = told.name)
