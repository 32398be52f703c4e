-- What speaks for two identities being one person's, as crm_loader: computed whole, and put in one transaction. Who reads meanwhile reads the former.

-- one_at_a_time --
select pg_try_advisory_xact_lock(hashtext('crm suggestions')) as is_ours

-- is_built --
-- Whether the models were built in this warehouse once.
select to_regclass('canonical.link_evidence') is not null as is_built

-- in_zone --
-- Days that are told are days of this time zone.
select set_config('crm.timezone', %(zone)s, true)

-- forget_evidence --
delete from jobs.link_evidence

-- put_evidence --
insert into jobs.link_evidence (identity, other, customer_id, kind, times, first_at, last_at, score, said, blocker)
select identity, other, customer_id, kind, times, first_at, last_at, score, left(said, 500), left(blocker, 500)
from canonical.link_evidence

-- gather_statistics --
-- Whoever reads what was found joins all of it, by a plan for as many rows as there are now.
analyze jobs.link_evidence
