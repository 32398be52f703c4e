-- longest_fold --
select coalesce(max(seconds), 0) from canonical.folds where finished_at > now() - make_interval(secs => %(seconds)s)
