"""Twilio: one account, its messages, calls, recordings and files, and the webhooks of its numbers."""
