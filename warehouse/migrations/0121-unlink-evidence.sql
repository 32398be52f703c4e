-- What an undo of an end of a link opens again is the link with its evidence. Ends that were entered from before there was a ledger (0085)
-- told none; the ended link still has it.
update crm.decision_changes as changes
set data = changes.data || jsonb_build_object('evidence', links.evidence)
from crm.identity_links as links
where changes.action = 'identity.unlink'
    and not changes.data ? 'evidence'
    and links.link_id = changes.data ->> 'link_id';
