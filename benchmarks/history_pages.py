"""A provider's list of messages as pages of JSON, made ahead, so that what is measured is our side alone.

    python -m benchmarks.history_pages --port N --messages M

Twilio's message list (docs/providers/twilio.md): 1,000 a page, newest first, `next_page_uri` until the last page.
"""

from __future__ import annotations

import argparse
import http.server
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

ACCOUNT_SID = "AC0a1b2c3d4e5f60718293a4b5c6d7e8f9"
PAGE_SIZE = 1000
TEXTS = (
    "is my bike ready? I could come by on Thursday after four.",
    "thank you, that was quick!",
    "the rear brake squeals again. Can you have a look at it this week? 🚲",
    "yes",
    "المفتاح معي، سأصل غدا",
)


def page(number: int, messages: int, newest: datetime) -> bytes:
    """Page `number` (from 0) of a list of so many messages."""
    first = number * PAGE_SIZE
    root = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages"
    listed = [message(n, newest, root) for n in range(first, min(first + PAGE_SIZE, messages))]
    more = first + PAGE_SIZE < messages
    return json.dumps(
        {
            "messages": listed,
            "page": number,
            "page_size": PAGE_SIZE,
            "next_page_uri": f"{root}.json?PageSize={PAGE_SIZE}&Page={number + 1}"
            if more
            else None,
        }
    ).encode()


def message(n: int, newest: datetime, root: str) -> dict[str, object]:
    inbound = n % 2 == 0
    sent = format_datetime(newest - timedelta(seconds=n))
    ours, theirs = "+61491570156", f"+6125550{n % 10_000:04d}"
    sid = f"SM{n:032x}"
    return {
        "sid": sid,
        "account_sid": ACCOUNT_SID,
        "messaging_service_sid": None,
        "from": theirs if inbound else ours,
        "to": ours if inbound else theirs,
        "body": f"Message {n}: {TEXTS[n % len(TEXTS)]}",
        "direction": "inbound" if inbound else "outbound-api",
        "status": "received" if inbound else "delivered",
        "num_segments": "1",
        "num_media": "0",
        "error_code": None,
        "error_message": None,
        "price": None if inbound else "-0.05150",
        "price_unit": "USD",
        "date_created": sent,
        "date_updated": sent,
        "date_sent": sent,
        "uri": f"{root}/{sid}.json",
        "api_version": "2010-04-01",
        "subresource_uris": {"media": f"{root}/{sid}/Media.json"},
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history_pages", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--messages", type=int, required=True)
    chosen = parser.parse_args()
    newest = datetime.now(UTC).replace(microsecond=0)
    count = max(1, -(-chosen.messages // PAGE_SIZE))
    pages = [page(number, chosen.messages, newest) for number in range(count)]

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            wanted = int(parse_qs(urlsplit(self.path).query).get("Page", ["0"])[0])
            body = pages[wanted]
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    http.server.ThreadingHTTPServer(("127.0.0.1", chosen.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
