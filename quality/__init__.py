"""What is expected of the data, in code (Great Expectations): suites for what each provider sends, and for marts.

`suites.py` says what is expected, `checking.py` looks, in a process of its own (`python -m quality`), because the
library takes seconds and 300 MB; whoever wants it done uses `starting.py`. docs/decisions.md says what a failure stops.
"""
