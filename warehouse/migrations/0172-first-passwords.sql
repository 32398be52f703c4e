-- A password that somebody else chose, or that was set anew, is changed at the next sign-in. Nobody of today is asked.
alter table crm.users add column password_is_first boolean not null default false,
    add column password_set_at timestamptz;
