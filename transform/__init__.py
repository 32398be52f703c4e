"""What turns raw rows into messages: dbt's models, and the resident process that folds whatever lands.

    raw, raw_<channel> -> staging -> canonical -> marts

`models` runs dbt. `statements` are what dbt compiled from its incremental models, kept in the warehouse. `fold` runs
them over what is new, in one transaction. `build` makes everything beside what serves, and swaps. `resident` is the
program.
"""
