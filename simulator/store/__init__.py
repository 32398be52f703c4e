"""What the providers know: records of messages, mails, calls and chats, and their files."""
