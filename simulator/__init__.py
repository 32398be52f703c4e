"""The providers, played on this machine over real HTTP.

Twilio Messaging (REST and signed webhooks) and Gmail (REST, token endpoint, Pub/Sub pushes and the
certificates that prove them), with an invented shop's correspondence of eighteen months behind
them.
Written from the providers' documents alone: nothing here imports the product, so that a mistake in
the product is not repeated on this side.

    python -m simulator --port 8503 --seed 7 --messages 2000 --state-dir data/simulator

    people -> conversations -> history -> state <- live, control
                                           |
              twilio_rest, gmail_rest (pull)   twilio_webhooks, pubsub (push)
"""
