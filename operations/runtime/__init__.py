"""The programs, the supervisor that keeps them running, and the record of what runs."""
