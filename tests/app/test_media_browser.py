"""Attachments in a real browser, under the app's own policy: pictures draw, sounds play and jump, and a file that
is opened by itself does nothing."""

from __future__ import annotations

import io
import math
import struct
import threading
import time
import wave
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
import uvicorn
from PIL import Image
from playwright.sync_api import Browser, Page
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from app.access import sessions
from app.serving.headers import SecurityHeaders
from app.serving.routes import ROUTES
from operations.runtime.ports import free_port
from tests.app.browsing import until
from tests.app.conftest import Correspondence
from tests.app.test_media import Library

EVIL = b"<!doctype html><title>evil</title><script>document.title = 'ran'</script>"


def sound(seconds: int) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        samples = (int(9000 * math.sin(n / 3)) for n in range(8000 * seconds))
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return made.getvalue()


def picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(made, "PNG")
    return made.getvalue()


@pytest.fixture
def library(correspondence: Correspondence) -> Library:
    return Library(correspondence)


@pytest.fixture
def base(correspondence: Correspondence) -> Iterator[str]:
    """The app's routes and headers on a port, with a page that shows what it is told to."""

    def page(request: Request) -> HTMLResponse:
        return HTMLResponse(request.query_params.get("html", ""))

    app = Starlette(
        routes=[*ROUTES, Route("/page", page)], middleware=[Middleware(SecurityHeaders)]
    )
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(60)


@pytest.fixture
def tab(base: str, browser: Browser, correspondence: Correspondence) -> Iterator[Page]:
    """A tab of somebody who is signed in."""
    correspondence.user("agent")
    context = browser.new_context(base_url=base)
    page = context.new_page()
    # As our form leads there; a browser tells an address that is typed from it.
    context.request.get(f"/session/start?token={sessions.start_token('agent')}")
    page.goto("/")
    yield page
    context.close()


def address(ids: tuple[str, str], **more: str) -> str:
    return "/attachment?" + urlencode({"message": ids[0], "attachment": ids[1], **more})


def test_a_picture_draws(tab: Page, library: Library) -> None:
    src = address(library.sms(picture())).replace("&", "&amp;")
    tab.goto("/page?" + urlencode({"html": f'<img id="i" src="{src}">'}))
    until(tab, "document.getElementById('i').complete")
    assert tab.evaluate("document.getElementById('i').naturalWidth") == 40
    assert len(library.correspondence.events("attachment.open")) == 1


def test_a_sound_plays_and_jumps(tab: Page, library: Library) -> None:
    src = address(library.sms(sound(600), claimed="audio/wav")).replace("&", "&amp;")
    asked: list[str | None] = []
    tab.on("request", lambda request: asked.append(request.headers.get("range")))
    tab.goto(
        "/page?" + urlencode({"html": f'<audio id="a" preload="metadata" src="{src}"></audio>'})
    )
    until(tab, "document.getElementById('a').readyState >= 1")
    assert tab.evaluate("Math.round(document.getElementById('a').duration)") == 600
    tab.evaluate("document.getElementById('a').currentTime = 500")
    until(
        tab,
        "(a => !a.seeking && a.readyState >= 2 && a.currentTime > 499)(document.getElementById('a'))",
    )
    assert tab.evaluate("document.getElementById('a').error") is None
    ranges = [each for each in asked if each]
    assert any(not each.startswith("bytes=0-") for each in ranges)
    # One look, however many pieces.
    assert 1 <= len(library.correspondence.events("attachment.open")) <= 2


@pytest.mark.parametrize("claimed", ["text/html", "image/svg+xml", "image/png"])
def test_a_page_that_someone_sent_is_a_download(tab: Page, library: Library, claimed: str) -> None:
    ids = library.sms(EVIL, claimed=claimed)
    with tab.expect_download() as waiting:
        tab.evaluate("where => { location.href = where }", address(ids))
    assert waiting.value.suggested_filename == "attachment.html"
    assert tab.title() != "ran"
    for element in (
        f'<iframe src="{address(ids)}"></iframe>',
        f'<object data="{address(ids)}"></object>',
    ):
        tab.goto("/page?" + urlencode({"html": element.replace("&", "&amp;")}))
        assert all(
            "evil" not in frame.title() for frame in tab.frames if frame is not tab.main_frame
        )


def test_a_picture_that_is_opened_by_itself_is_in_a_sandbox(tab: Page, library: Library) -> None:
    answer = tab.goto(address(library.sms(picture())))
    assert answer is not None
    assert answer.status == 200
    assert tab.evaluate("window.origin") == "null"


def test_another_site_s_page_gets_nothing(tab: Page, base: str, library: Library) -> None:
    src = f"{base}{address(library.sms(picture()))}".replace("&", "&amp;")
    tab.goto(f"data:text/html,<img id=i src='{src.replace('%', '%25')}'>")
    until(tab, "document.getElementById('i').complete")
    assert tab.evaluate("document.getElementById('i').naturalWidth") == 0
    assert not library.correspondence.events("attachment.open")


def test_names_come_through(tab: Page, library: Library) -> None:
    name = "Rechnung für Köln 🙂.png"
    ids = library.mail(picture(), "image/png", name)
    with tab.expect_download() as waiting:
        tab.evaluate("where => { location.href = where }", address(ids, download="1"))
    assert waiting.value.suggested_filename == name
