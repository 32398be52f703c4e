-- Up to which receipt of a thread something was destroyed: without the provider's id of a message that some of them name.
update privacy.tombstones
set until = regexp_replace(until, '^(([^|]*[|]){3}).*$', '\1~')
where until is not null;
