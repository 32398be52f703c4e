"""A mail as it was designed: nothing in it acts, nothing of it is loaded from elsewhere unasked, and who looks is on record."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from app.access import sessions
from app.serving.headers import SecurityHeaders
from app.serving.routes import ROUTES
from mail.designed import designed
from tests.app.browsing import Person, fits, ready, until
from tests.app.conftest import Correspondence

ADDRESS = "sam@example.com"
#: One pixel.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
#: What must be gone, and what must stand.
ATTACKS = [
    '<img src="x" onerror="hurt()">', "<script>hurt()</script>", '<svg onload="hurt()"><script>hurt()</script></svg>',
    '<a href="javascript:hurt()">words</a>', '<a href=" data:text/html,<script>hurt()</script>">words</a>',
    '<iframe src="https://evil.example"></iframe>', '<form action="https://evil.example"><input name="q"></form>',
    '<p style="position:fixed;background:url(https://evil.example/p)">words</p>', '<base href="https://evil.example">',
    '<meta http-equiv="refresh" content="0;url=https://evil.example">', '<link rel="stylesheet" href="https://evil.example">',
    "<style>@import url(https://evil.example)</style>", '<object data="https://evil.example"></object>',
    '<table background="https://evil.example/b"><tr><td>words</td></tr></table>', '<img srcset="https://evil.example/s 2x">',
    "<math><mtext><table><mglyph><style><img src=x onerror=hurt()></style></table></mtext></math>",
    "<svg></p><style><a title=\"</style><img src=x onerror=hurt()>\">", '<img src="data:image/svg+xml;base64,PHN2Zz4=">',
    '<video src="https://evil.example/v" poster="https://evil.example/w"></video>', "<!--><img src=x onerror=hurt()>-->",
]  # fmt: skip


def html_mail(markup: str, *, picture: bytes = b"") -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"] = f"Sam <{ADDRESS}>", "help@example.com"
    mail["Subject"], mail["Date"] = "Designed", "Fri, 27 Nov 2026 10:00:00 +1100"
    mail.set_content("The plain words")
    mail.add_alternative(markup, subtype="html")
    if picture:
        mail.get_payload()[1].add_related(picture, "image", "png", cid="<logo@example.com>")  # type: ignore[union-attr, index]
    return mail.as_bytes()


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_acts_is_left(attack: str) -> None:
    made = designed(html_mail(f"<html><body onload='hurt()'>before {attack} after</body></html>"))
    assert made is not None
    assert "before" in made
    for word in ("evil.example", "onerror", "onload", "<script", "javascript:", "text/html", "svg", "<style", "<meta", "position"):  # fmt: skip
        assert word not in made.lower(), made


def test_its_looks_and_its_pictures_stay_and_quotes_are_folded() -> None:
    made = designed(
        html_mail(
            '<table bgcolor="#eee"><tr><td style="color:red;padding:3px">Hello</td></tr></table><img src="cid:logo@example.com">'
            '<img src="https://shop.example/pixel.gif"><a href="https://shop.example/a?b=1&amp;c=2">shop</a>'
            "<blockquote>old <blockquote>older</blockquote></blockquote><p>end</p>"
        )
    )
    assert made is not None
    for kept in ('bgcolor="#eee"', "color:red", "cid:logo@example.com", "https://shop.example/pixel.gif", 'target="_blank"', "noopener"):  # fmt: skip
        assert kept in made
    assert made.count("<details>") == made.count("</details>") == 1
    assert designed(b"Content-Type: text/plain\r\n\r\nwords") is None
    assert designed(html_mail("<div>" * 30_000)) is None


def test_the_document_bears_its_policy_and_who_asks_is_on_record(
    correspondence: Correspondence,
) -> None:
    picture = PICTURE
    remote = (
        '<p>Hello</p><img src="cid:logo@example.com"><img src="https://shop.example/pixel.gif">'
    )
    message = (
        f"gmail|{correspondence.raw_mail(html_mail(remote, picture=picture), datetime.now(UTC))}"
    )
    plain = f"gmail|{correspondence.raw_mail(b'From: sam@example.com' + bytes([13, 10, 13, 10]) + b'words', datetime.now(UTC))}"
    customer = correspondence.customer("Sam", f"email:{ADDRESS}")
    ((message,),) = correspondence.execute(
        "select message_id from canonical.messages where message_id like %s", [f"%{message[6:]}"]
    )
    ((plain,),) = correspondence.execute(
        "select message_id from canonical.messages where message_id like %s", [f"%{plain[6:]}"]
    )
    app = Starlette(routes=ROUTES, middleware=[Middleware(SecurityHeaders)])
    correspondence.user("agent")
    with TestClient(app, base_url="http://crm.example.com", follow_redirects=False) as client:
        assert client.get("/mail", params={"message": message}).status_code == 401
        client.get("/session/start", params={"token": sessions.start_token("agent")})
        shown = client.get("/mail", params={"message": message})
        loaded = client.get("/mail/pictures", params={"message": message})
        assert client.get("/mail", params={"message": plain}).status_code == 404
        assert client.get("/mail", params={"message": "gmail|none"}).status_code == 404
        elsewhere = {"sec-fetch-site": "cross-site"}
        assert client.get("/mail", params={"message": message}, headers=elsewhere).status_code == 403  # fmt: skip
    assert shown.status_code == loaded.status_code == 200
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("sandbox ")
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert "https:" not in policy
    assert "shop.example" not in shown.text
    assert "1 picture of the web not loaded" in shown.text
    assert "/attachment?message=" in shown.text
    assert "https://shop.example/pixel.gif" in loaded.text
    assert "img-src 'self' data: https: http:;" in loaded.headers["content-security-policy"]
    for action in ("mail.show", "mail.load_pictures"):
        # Of the mail that was sent as text alone nothing was shown.
        (event,) = correspondence.events(action)
        assert (event["object_id"], event["customer_ids"]) == (message, [customer])


def test_on_the_timeline_it_stands_in_a_frame_that_runs_and_loads_nothing(
    window: Callable[..., Person], correspondence: Correspondence
) -> None:
    hostile = "".join(ATTACKS).replace("hurt()", "parent.hurt=1")
    markup = f'<p id="words">Designed words</p><img src="cid:logo@example.com">{hostile}<img src="https://evil.example/p.gif"><p>{"long<br>" * 60}</p>'
    correspondence.raw_mail(html_mail(markup, picture=PICTURE), datetime.now(UTC))
    customer = correspondence.customer("Sam", f"email:{ADDRESS}")
    page = window(width=390).sign_in(f"/timeline?customer={customer}")
    expect(page.get_by_text("The plain words")).to_be_visible()
    # Before the scripts are here it is a link that opens a tab.
    ready(page)
    page.get_by_text("Show as designed").click()
    frame = page.locator("iframe.designed")
    inside = page.frame_locator("iframe.designed")
    expect(inside.get_by_text("Designed words")).to_be_visible()
    expect(page.get_by_text("The plain words")).to_be_hidden()
    assert frame.get_attribute("sandbox") == "allow-same-origin allow-popups allow-popups-to-escape-sandbox"  # fmt: skip
    picture = inside.locator("img").first
    picture.scroll_into_view_if_needed()
    until(page, "document.querySelector('iframe.designed').contentDocument.images[0].naturalWidth > 0")  # fmt: skip
    # As high as what stands in it, and no wider than the window.
    until(
        page,
        "() => { const f = document.querySelector('iframe.designed');"
        " return f.offsetHeight >= f.contentDocument.body.scrollHeight && f.offsetHeight > 1000 }",
    )
    fits(page)
    assert page.evaluate("window.hurt") is None
    page.get_by_text("Show as text").click()
    expect(page.get_by_text("The plain words")).to_be_visible()
