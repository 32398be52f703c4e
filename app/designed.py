"""A mail as its sender designed it: a document of its own, which runs nothing and loads nothing from elsewhere.

    viewer ──> may they? ──> the stored mail, made inert in a process with limits ──> still? ──> event ──> document

The card of the mail shows it in a frame without scripts (`assets/mail.js`). Pictures of the web would tell their host
that the mail is read, and when: they are loaded only where a person asks for it, on a page of its own, and that is on
record.
"""

from __future__ import annotations

import re
from urllib.parse import urlencode

from app import attachments, database
from app.access.roles import Forbidden, Permission
from app.access.sessions import Viewer
from app.database import Row
from app.reading import reading
from app.views import attachment_html, escape
from mail.reader import TooCostly
from media.store import MediaStore, MissingMedia
from warehouse.queries import queries

SQL = queries("designed")

ROUTE, WITH_PICTURES = "/mail", "/mail/pictures"
#: The policy of the document, wherever it stands. With scripts forbidden, its own origin lets it load its own pictures.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:"
#: What is added to it where a person asked for pictures of the web.
WEB = " https: http:"
#: As an answer by itself; in a frame of the timeline the frame's own attribute says the same.
SANDBOX = "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
POLICIES = {
    ROUTE: f"{SANDBOX}; {POLICY}; frame-ancestors 'none'",
    WITH_PICTURES: f"{SANDBOX}; {POLICY}{WEB}; frame-ancestors 'none'",
}
PICTURE = re.compile(r'<img((?: [a-z]+="[^"]*")*)>')
SOURCE = re.compile(r' src="([^"]*)"')
LOOKS = (
    "html{color-scheme:light;background:#fff;color:#1c2526;font:15px/1.45 system-ui,sans-serif;overflow-wrap:anywhere}"
    "body{margin:.5rem}img{max-width:100%;height:auto}table{max-width:100%}pre{white-space:pre-wrap}"
    "summary{cursor:pointer;color:#0b6e63;font-size:.85rem}"
    "blockquote{margin:.3rem 0 .3rem .2rem;padding-left:.7rem;border-left:2px solid #d9e0e1}"
    "p.ours{margin:0 0 .6rem;padding:.3rem .6rem;background:#f0f5f5;border-radius:.3rem;font-size:.85rem;color:#5b686b}"
)


class NothingToShow(Exception):
    """There is no such mail, or it was sent as text alone."""


def document(viewer: Viewer, message_id: str, *, with_pictures: bool) -> str:
    """The whole document.

    Args:
        with_pictures: of the web, too.

    Raises:
        NothingToShow: nobody can be shown anything.
        Forbidden: the role may not. That it was asked for is written down.
        media.NotOpened: it is there, and reading it costs too much.
    """
    if not message_id or len(message_id) > attachments.LONGEST_ID or "\0" in message_id:
        raise NothingToShow
    action = "mail.load_pictures" if with_pictures else "mail.show"
    # Whether there is anything to show is known once the mail was read, which takes longer than a transaction should.
    first = _permitted(viewer, message_id, action, is_shown=False)
    try:
        markup = _markup(first["sha256"])
    except attachments.NotOpened as costly:
        with reading(
            viewer, Permission.READ, "mail.refuse", "message", message_id,
            customer_ids=first["customer_ids"], detail={"because": str(costly)},
        ):  # fmt: skip
            pass
        raise
    row = _permitted(viewer, message_id, action, is_shown=True)
    if row["sha256"] != first["sha256"]:
        raise NothingToShow
    return _document(message_id, markup, row, with_pictures=with_pictures)


def _permitted(viewer: Viewer, message_id: str, action: str, *, is_shown: bool) -> Row:
    """The mail that they may be shown.

    Args:
        is_shown: leave the event that says so; that it was asked for in vain is written down in any case.
    """
    is_refused = False
    with reading(
        viewer, Permission.READ, action, "message", message_id, refusal="mail.refuse"
    ) as db:
        row = db.execute(SQL["mail_to_show"], {"message_id": message_id}).fetchone()
        if row is None or not row["sha256"]:
            raise NothingToShow
        db.tells(customer_ids=row["customer_ids"])
        if row["is_unsent"] and not viewer.may(Permission.READ_REVISIONS):
            is_refused = True
            db.tells(action="mail.refuse")
        elif not is_shown:
            db.tells_nothing()
    if is_refused:
        raise Forbidden("The sender took this back. Your role may not open it.")
    return row


def _markup(sha256: str) -> str:
    try:
        raw = MediaStore(database.settings().media_root).read(sha256)
        with attachments.mail_reader() as reader:
            markup = reader.designed(raw)
    except (MissingMedia, ValueError):
        raise NothingToShow from None
    except TooCostly:
        raise attachments.NotOpened(
            "This mail cannot be shown as it was designed: that takes more than a mail's share of time or memory."
        ) from None
    if markup is None:
        raise NothingToShow
    return markup


def _document(message_id: str, markup: str, row: Row, *, with_pictures: bool) -> str:
    left_out = 0

    def placed(match: re.Match[str]) -> str:
        nonlocal left_out
        source = SOURCE.search(match[1])
        address = source[1] if source else ""
        attributes = SOURCE.sub("", match[1])
        if address.lower().startswith("cid:"):
            known = row["pictures"].get(address[4:])
            if known is None:
                return ""
            address = attachment_html.address_of(message_id, {"attachment_id": known})
        elif not address.startswith("data:") and not with_pictures:
            left_out += 1
            return ""
        return f'<img{attributes} src="{address}" loading="lazy">' if address else ""

    body = PICTURE.sub(placed, markup)
    policy = f"{POLICY}{WEB if with_pictures else ''}"
    told = ""
    if left_out:
        asked = f"{WITH_PICTURES}?{urlencode({'message': message_id}, errors='replace')}"
        of = "1 picture" if left_out == 1 else f"{left_out:,} pictures"
        told = (
            f'<p class="ours">{of} of the web not loaded: they would tell their sender that this is read. '
            f'<a href="{escape.line(asked)}" target="_blank" rel="noopener noreferrer">'
            "Load them on a page of its own</a></p>"
        )
    return (
        '<!doctype html><html><head><meta charset="utf-8"><title>Mail</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><meta name="referrer" content="no-referrer">'
        f'<meta name="viewport" content="width=device-width"><style>{LOOKS}</style></head>'
        f'<body dir="auto">{told}{body}</body></html>'
    )
