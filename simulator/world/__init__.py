"""The invented shop: its people, what they say and when, before any provider has made a record of it."""
