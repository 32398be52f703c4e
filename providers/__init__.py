"""The providers: everything that leaves us for one of them leaves through here.

    pulls, media, checks, webhook registration ──> one client a provider ──> guard ──> the provider

A folder a provider: `client.py` asks, by one rule for the host, one for the credentials and one pace; `allowed.py`
lists what may be asked at all. We read, and register our own webhooks; nothing here can write to a person (FR-003).
What goes wrong is one tree (`failures.py`).
"""
