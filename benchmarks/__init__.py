"""What is measured, with the machine's own limit in the same run: `./crm bench NAME [--scale N]`.

    backfill   a provider's history, from JSON pages to canonical rows, and the memory it takes
    fold       1,000 new messages, 100, and one, at 100,000 stored messages and at `scale`
    idle       processor of all programs while nothing arrives, and at one message a second
    landing    durable signed posts a second, against a bare echo on the same server settings
    live       from a POST to its row in marts.timeline, and to an open browser page
    rebuild    everything dbt owns, built again from raw beside what serves, and swapped in
    search     words, phrases, fragments and filters, beside ILIKE and a plain to_tsvector on the same rows
    staff      so many people at work at once, with idle tabs beside them and messages arriving
    suggestions   of people whose truth is known: how many suggestions are right, how many are found
    timeline   the first and the 200th page of a customer with 10,000 messages

Each is a module with `run(settings, scale)` that returns what `./crm bench --json` prints. Each works on a
warehouse of its own, in a temporary folder and with the product's durable settings, and leaves nothing
behind: never on that of `settings`. What they stand on:

    machine      what the figures were taken on, and how long one fdatasync takes here
    processor    how long a program and all that it started have worked
    figures      one line of a result, percentiles
    throwaway    the temporary warehouse and the programs that run on it
    storing      invented correspondence in the shape that the two doors leave
    history_pages   a provider's list as pages made ahead, in a process of its own
    sender       a process that signs and posts like Twilio; echo, the bare server it is held against
    staff_people   the people of `staff`, in a process of their own; staff_tab, one page of theirs
    population   those people: namesakes, families with one phone, numbers that changed hands
    open_page    a signed-in browser on one customer's timeline
"""
