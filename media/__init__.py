"""Files that came with messages: where they are had, fetched, told apart, stored, and found again."""
