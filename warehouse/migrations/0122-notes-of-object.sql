-- What became of notes is shown behind them: those that ended are looked up, too.
create index notes_of_object_ever on crm.notes (object_id, object_type);
