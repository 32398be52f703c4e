-- Notes are found by their words, as messages are: read by the same two functions (migration 0080), so that both mean the same by a word. What is written
-- is found in the same moment, what is taken away is not.
create index notes_words on crm.notes using gin (array_to_tsvector(canonical.search_words(canonical.search_text(body)))) where ended_at is null;
