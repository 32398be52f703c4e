-- Whatever turns red says so by itself, so that no program has to look at health while nobody does (app/live/changes.py).

-- The watchdog has looked: a worker lives. Its silence is the one thing that nobody can write down. And whether something
-- that landed is not shown is news when it begins and when it ends.
create function jobs.tell_watch() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
    perform pg_notify('crm_watched', '');
    if tg_op = 'INSERT' or (new.missing > 0) is distinct from (old.missing > 0) then
        perform pg_notify('crm_health', '');
    end if;
    return null;
end $$;
create trigger watch_is_told after insert or update on jobs.fold_watch for each row execute function jobs.tell_watch();

-- A fold that works tells of itself by what it changed.
create trigger failed_folds_are_told after insert on canonical.folds
    for each row when (new.error is not null) execute function crm.tell_health();

-- That nothing is wrong still is no news: it was told every minute.
drop trigger outside_is_told on jobs.outside;
create trigger outside_is_told after insert on jobs.outside
    for each row when (new.problem <> '') execute function crm.tell_health();
create trigger outside_changes_are_told after update on jobs.outside
    for each row when (new.problem is distinct from old.problem) execute function crm.tell_health();
