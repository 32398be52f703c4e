"""The providers, played on this machine over real HTTP.

Twilio (messages and calls: REST, signed webhooks, recordings), Gmail (REST, token endpoint, Pub/Sub
pushes and the certificates that prove them) and Meta's Graph API (WhatsApp, Instagram, Messenger:
conversations, media, registrations, signed webhooks), with an invented shop's correspondence of
eighteen months behind them.
Written from the providers' documents alone: nothing here imports the product, so that a mistake in
the product is not repeated on this side.

    python -m simulator --port 8503 --seed 7 --messages 2000 --state-dir data/simulator

    world/   people -> conversations, phone, chat_oddities, hero -> turns -> history, live
    store/   records of all that was said, and state <- control/
             twilio/                           google/       meta/
    pulled   twilio_rest, voice_rest           gmail_rest    graph_rest: graph_conversations, graph_whatsapp
    pushed   twilio_webhooks, voice_webhooks   pubsub        meta_webhooks: chat_notices, named_events
"""
