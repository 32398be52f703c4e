-- Grain: one row per change told by Gmail's history, or noticed by comparing after a full resync.
select
    'raw_gmail.changes/' || _dlt_id as raw_ref,
    *,
    case
        when change in ('removed', 'missing') then 'revision'
        when change in ('labels_added', 'labels_removed') then 'status'
        when change = 'added' then 'ignored'
        else 'quarantined'
    end as outcome,
    case
        when change = 'added' then 'announces a mail that is loaded itself, unless it is a draft or spam'
        when change = 'set aside' then 'the mail is not here: the pulling process died over it, alone, again and again'
        when change not in ('added', 'removed', 'missing', 'labels_added', 'labels_removed') then 'the kind of change is not known'
    end as reason
from {{ landed('raw_gmail', 'changes') }} as changes
