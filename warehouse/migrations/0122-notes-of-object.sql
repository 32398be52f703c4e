-- What became of notes is shown behind them, so those that ended are looked up as those that stand.
drop index crm.notes_of_object;
create index notes_of_object on crm.notes (object_id, object_type, written_at);
