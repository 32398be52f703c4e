"""Meta's Graph API: WhatsApp numbers, Instagram accounts and pages, what they hold, and who hears of it."""
