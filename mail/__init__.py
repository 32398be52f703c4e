"""Mails: RFC 822 bytes cut into parts, read, and made into the columns of `raw_gmail.messages` (parse.py)."""
