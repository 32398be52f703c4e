"""What is measured, with the machine's own limit in the same run: `./crm bench NAME [--scale N]`.

    access     everything of a customer with 10,000 messages as a ZIP; whom an account saw, from the log
    attacks    genuine deliveries and a signed-in person beside each attack of strangers, `scale` seconds each
    audit      the log of who saw what: checking it against its seals, and what an event costs who looks
    backfill   a provider's history, from JSON pages to canonical rows, and the memory it takes
    destroy    what is due of a retention class goes from everything, while webhooks arrive
    faults     an installation struck `scale` times under load: killed, disk full, TCP cut, clock set, started again
    fold       1,000 new messages, 100, and one, at 100,000 stored messages and at `scale`
    hosts      two hosts, a primary and a replica, each part struck in turn under load, `scale` rounds; people decide
    hours      a working day of fifty people, pressed together: the memory of the app over it and behind it
    idle       processor of all programs while nothing arrives, and at one message a second
    importing  a list of 100,000 customers, by the command and by the page's process: time, memory, undo
    kills      of these the folding process and PostgreSQL alone
    landing    durable signed posts a second, against a bare echo on the same server settings
    linking    from a decision to the open timeline of a customer with 100,000 messages
    live       from a POST to its row in marts.timeline, and to an open browser page
    pages      a real Chromium: a long timeline opened, filtered, searched, a panel; memory a session
    rebuild    everything dbt owns, built again from raw beside what serves, and swapped in
    search     words, phrases, fragments and filters, beside ILIKE and a plain to_tsvector on the same rows
    staff      so many people at work at once, with idle tabs beside them and messages arriving
    suggestions   of people whose truth is known: how many suggestions are right, how many are found
    timeline   the first and the 200th page of a customer with 10,000 messages
    upgrade    two hosts go from the former version to this one under load, `scale` seconds side by side

Each is a module with `run(settings, scale)` that returns what `./crm bench --json` prints. Each works on a
warehouse of its own, in a temporary folder and with the product's durable settings, and leaves nothing
behind: never on that of `settings`. What they stand on:

    machine      what the figures were taken on, and how long one fdatasync takes here
    processor    how long a program and all that it started have worked, what memory they hold
    figures      one line of a result, percentiles
    throwaway    the temporary warehouse and the programs that run on it
    storing      invented correspondence in the shape that the two doors leave
    history_pages   a provider's list as pages made ahead, in a process of its own
    sender       a process that signs and posts like Twilio; echo, the bare server it is held against
    staff_people   the people of `staff` and `hours`, in a process of their own; staff_tab, one page of theirs
    strangers    what somebody without a secret does, in a process of their own
    fleet        several hosts on this machine; standby, a replica that can be frozen and killed
    deciders     people who decide on one app and look on the other
    grounds      a disk, a clock and connections that can be struck from outside; stepped_clock.c, that clock
    population   those people: namesakes, families with one phone, numbers that changed hands
    splink_reference   the same people judged by another program, which is installed by hand
    sign_in      a token or a cookie for one of its users
    open_page    a signed-in browser on one customer's timeline; watched_page, one in which acts are timed
"""
