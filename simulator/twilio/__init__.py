"""Twilio, played: its REST API, its webhooks and its media."""
