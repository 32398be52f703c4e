"""The channels that are played here, by the names that connections give them."""

from __future__ import annotations

SMS, MAIL, VOICE = "twilio_sms", "gmail", "twilio_voice"
WHATSAPP, INSTAGRAM, MESSENGER = "whatsapp", "instagram", "messenger"
CHATS = (WHATSAPP, INSTAGRAM, MESSENGER)
CHANNELS = (SMS, MAIL, VOICE, *CHATS)
