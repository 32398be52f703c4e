"""Google, played: the Gmail API and Pub/Sub push."""
