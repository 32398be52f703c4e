"""The pictures of the documents, taken anew: `./crm test tests/app/screenshots.py`. Then look at each of them.

No run of all tests takes them: the name of this file is none of a test's. `PICTURES=folder` keeps them there as PNG, too, at
their full quality, for whoever looks. What is shown is written by `pictured.py`; a further picture is a function here.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from app import health as judged
from tests.app.browsing import Person, eventually, ready
from tests.app.conftest import Correspondence
from tests.app.pictured import Shop, written
from tests.app.pictured_office import PASTED, answered, found_at_meta, office
from warehouse.guides import guide

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
QUALITY = 55
Scheme = Literal["light", "dark"]
Window = tuple[int, Scheme]
WIDE: Window = (1280, "light")
DARK: Window = (1280, "dark")
NARROW: Window = (390, "light")
NARROW_DARK: Window = (390, "dark")
EACH = (WIDE, DARK, NARROW, NARROW_DARK)
TWO = (WIDE, NARROW_DARK)
HEIGHTS = {390: 844}
Draw = Callable[[Page, Shop], None]
#: What there is: an invented shop, the same with what is on the desks of its office, or nothing at all.
Of = Literal["shop", "office", "nothing"]


@dataclass(frozen=True)
class Picture:
    name: str
    draw: Draw
    windows: tuple[Window, ...]
    user: str
    of: Of

    def file(self, window: Window) -> str:
        width, scheme = window
        parts = [
            self.name,
            *([str(width)] if width != 1280 else []),
            *(["dark"] if scheme == "dark" else []),
        ]
        return f"{'-'.join(parts)}.webp"


PICTURES: list[Picture] = []


def picture(*windows: Window, user: str = "mia", of: Of = "shop") -> Callable[[Draw], Draw]:
    """A picture of this name in these windows, in front of this person."""

    def register(draw: Draw) -> Draw:
        name = draw.__name__.replace("_", "-")
        PICTURES.append(Picture(name, draw, windows or EACH, user, of))
        return draw

    return register


def files() -> set[str]:
    """The names of all pictures that are taken here."""
    return {each.file(window) for each in PICTURES for window in each.windows}


def open_(page: Page, path: str) -> None:
    page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/", 3)[2] + path)


def timeline(page: Page, customer: str, more: str = "") -> None:
    open_(page, f"/timeline?customer={customer}{more}")
    expect(page.locator(".message").first).to_be_visible()
    ready(page)


def is_narrow(page: Page) -> bool:
    return bool(page.viewport_size and page.viewport_size["width"] < 1152)


def beside(page: Page) -> None:
    """What stands beside a timeline, also where it is folded."""
    if is_narrow(page):
        page.get_by_role("button", name="About this customer").click()


# -- signing in and finding a customer -------------------------------------------------------------


@picture(*TWO, user="")
def sign_in(page: Page, shop: Shop) -> None:
    expect(page.get_by_label("User name")).to_be_visible()


@picture(WIDE, user="")
def sign_in_refused(page: Page, shop: Shop) -> None:
    page.get_by_label("User name").fill("mia")
    page.get_by_label("Password", exact=True).fill("not the one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("User name or password is wrong.")).to_be_visible()


@picture()
def customers(page: Page, shop: Shop) -> None:
    open_(page, "/")
    expect(page.locator(".line.customer").nth(10)).to_be_visible()


@picture(*TWO)
def customers_found(page: Page, shop: Shop) -> None:
    open_(page, "/?q=tran&sort=name")
    expect(page.get_by_text("1 match")).to_be_visible()


@picture(WIDE)
def customers_much_like_it(page: Page, shop: Shop) -> None:
    open_(page, "/?q=willyams")
    expect(page.get_by_text("Nobody is called so")).to_be_visible()


@picture(*TWO)
def customers_nobody_found(page: Page, shop: Shop) -> None:
    open_(page, "/?q=qqqqqq")
    expect(page.locator(".empty, .tally").first).to_be_visible()


@picture(*TWO, of="nothing")
def customers_none(page: Page, shop: Shop) -> None:
    open_(page, "/")
    expect(page.get_by_text("No customers yet")).to_be_visible()


@picture(WIDE, NARROW, user="root")
def import_start(page: Page, shop: Shop) -> None:
    open_(page, "/import_customers")
    expect(page.get_by_role("heading", name="Import customers")).to_be_visible()


@picture(WIDE, NARROW_DARK, user="root")
def import_preview(page: Page, shop: Shop) -> None:
    open_(page, "/import_customers")
    lines = (
        "name;phone;email\n<b>Bold</b> name;0491 570 158;\nWrong;12;\n"
        "One;0491570159;one@example.com\nTwo;0491570159;two@example.com\nMai Tran;0491570006;\n"
    )
    page.locator("input[type=file]").set_input_files(
        {"name": "list.csv", "mimeType": "text/csv", "buffer": lines.encode()}
    )
    expect(page.get_by_text("line 3", exact=True)).to_be_visible()


# -- the timeline ----------------------------------------------------------------------------------


@picture(*EACH, (768, "light"), (1920, "light"))
def timeline_newest(page: Page, shop: Shop) -> None:
    timeline(page, shop.mai)


@picture(WIDE, NARROW)
def timeline_scrolled_back(page: Page, shop: Shop) -> None:
    """Long: further back, with the way to the newest message."""
    timeline(page, shop.mai)
    page.locator(".st-key-timeline").evaluate("e => { e.scrollTop = -2600 }")
    page.wait_for_timeout(2_500)
    page.locator(".st-key-timeline").evaluate("e => { e.scrollTop = -2600 }")


@picture()
def timeline_kinds(page: Page, shop: Shop) -> None:
    """A picture, a place, a reaction, an answer to a message, an edit."""
    timeline(page, shop.mai, "&channel=whatsapp&channel=messenger&channel=instagram")
    shown = page.locator(".message img").first
    shown.scroll_into_view_if_needed()
    eventually(lambda: bool(shown.evaluate("e => e.complete && e.naturalWidth > 0")))


@picture(*TWO)
def timeline_calls(page: Page, shop: Shop) -> None:
    timeline(page, shop.mai, "&channel=twilio_voice")
    for fold in page.locator(".message details summary").all():
        fold.click()


@picture(*TWO)
def timeline_picture_large(page: Page, shop: Shop) -> None:
    timeline(page, shop.mai, "&channel=whatsapp")
    page.locator(".message .picture a").first.click()
    expect(page.locator("dialog.viewer img")).to_be_visible()


@picture()
def timeline_mail_as_designed(page: Page, shop: Shop) -> None:
    timeline(page, shop.mai, "&channel=gmail")
    mail = page.locator(f'[data-message="{shop.offers}"]')
    mail.scroll_into_view_if_needed()
    mail.get_by_text("Show as designed").click()
    expect(page.frame_locator("iframe.designed").get_by_text("Book a day")).to_be_visible()


@picture(WIDE, NARROW)
def timeline_one_conversation(page: Page, shop: Shop) -> None:
    timeline(page, shop.mai, f"&conversation={quote(shop.thread)}")


@picture(NARROW, NARROW_DARK)
def timeline_about(page: Page, shop: Shop) -> None:
    timeline(page, shop.mai)
    beside(page)
    expect(page.get_by_role("region", name="Identities")).to_be_visible()


@picture(*TWO)
def timeline_keys(page: Page, shop: Shop) -> None:
    timeline(page, shop.mai)
    page.keyboard.press("?")
    expect(page.locator("dialog.keys")).to_be_visible()


@picture()
def timeline_hostile_and_right_to_left(page: Page, shop: Shop) -> None:
    timeline(page, shop.nadia)


@picture(*TWO)
def timeline_empty(page: Page, shop: Shop) -> None:
    open_(page, f"/timeline?customer={shop.nobody}")
    expect(page.get_by_text("No messages yet")).to_be_visible()


@picture(WIDE)
def timeline_no_such_customer(page: Page, shop: Shop) -> None:
    open_(page, "/timeline?customer=nobody")
    expect(page.get_by_text("There is no such customer")).to_be_visible()


@picture()
def filter_open(page: Page, shop: Shop) -> None:
    timeline(page, shop.mai, "&channel=gmail&channel=whatsapp&when=this-year")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("toolbar", name="Channel")).to_be_visible()


@picture(*TWO)
def filter_nothing_passes(page: Page, shop: Shop) -> None:
    open_(page, f"/timeline?customer={shop.mai}&channel=instagram&status=failed")
    expect(page.get_by_text("No message passes the filter")).to_be_visible()


@picture()
def chosen_message(page: Page, shop: Shop) -> None:
    timeline(page, shop.mai, f"&at={quote(shop.edited)}")
    page.locator(f'[data-message="{shop.edited}"]').click(position={"x": 60, "y": 40})
    expect(page.get_by_text("Where it came from")).to_be_visible()


@picture(WIDE, NARROW)
def panel_hand_over(page: Page, shop: Shop) -> None:
    timeline(page, shop.mai)
    beside(page)
    page.locator(".st-key-panel").get_by_role("button", name="Hand over").click()
    expect(page.get_by_label("What they should know")).to_be_visible()


@picture(WIDE, NARROW_DARK)
def panel_notes_and_history(page: Page, shop: Shop) -> None:
    timeline(page, shop.mai)
    beside(page)
    panel = page.locator(".st-key-panel")
    panel.get_by_text("History", exact=True).click()
    expect(panel.get_by_role("button", name="Undo").first).to_be_visible()
    panel.get_by_text("History", exact=True).scroll_into_view_if_needed()


@picture()
def jump(page: Page, shop: Shop) -> None:
    timeline(page, shop.mai)
    page.get_by_role("button", name="Jump").click()
    expect(page.get_by_role("spinbutton").first).to_be_visible()


@picture()
def next_match(page: Page, shop: Shop) -> None:
    timeline(page, shop.mai, f"&at={quote(shop.refund)}&q=refund")
    expect(page.get_by_text("Match ").first).to_be_visible()


@picture(WIDE, DARK)
def merge(page: Page, shop: Shop) -> None:
    timeline(page, shop.mai)
    page.get_by_role("button", name="Change who this is").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_placeholder("Name, phone or e-mail").first.fill("noah williams")
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("It can be taken back exactly")).to_be_visible()


# -- finding ---------------------------------------------------------------------------------------


@picture()
def search_results(page: Page, shop: Shop) -> None:
    open_(page, "/search?q=brake")
    expect(page.locator(".line.found").nth(5)).to_be_visible()


@picture(*TWO)
def search_notes(page: Page, shop: Shop) -> None:
    open_(page, "/search?q=refund")
    expect(page.locator(".line.noted").first).to_be_visible()


@picture(*TWO)
def search_right_to_left(page: Page, shop: Shop) -> None:
    open_(page, f"/search?q={quote('المفتاح')}")
    expect(page.locator(".line.found").first).to_be_visible()


@picture(*TWO)
def search_nothing_found(page: Page, shop: Shop) -> None:
    open_(page, "/search?q=unobtainium+channel:fax")
    expect(page.get_by_text("No message holds this")).to_be_visible()


@picture(*TWO)
def search_help(page: Page, shop: Shop) -> None:
    open_(page, "/search")
    expect(page.get_by_text("Find in all messages")).to_be_visible()


@picture()
def saved_views(page: Page, shop: Shop) -> None:
    timeline(page, shop.mai, "&channel=gmail")
    page.get_by_role("button", name="Views").click()
    expect(page.locator(".line.saved")).to_have_count(4)


@picture()
def saved_views_page(page: Page, shop: Shop) -> None:
    open_(page, "/saved")
    expect(page.locator(".line.saved")).to_have_count(4)
    page.get_by_role("button", name="Change").first.click()


@picture(WIDE, of="nothing")
def saved_views_none(page: Page, shop: Shop) -> None:
    open_(page, "/saved")
    expect(page.locator(".empty").first).to_be_visible()


# -- working ---------------------------------------------------------------------------------------


@picture()
def work(page: Page, shop: Shop) -> None:
    open_(page, "/work?list=open&within=any-time")
    expect(page.locator(".line.work").nth(4)).to_be_visible()
    page.get_by_role("button", name="Open the panel of Mai Tran").first.click(force=True)
    expect(page.locator(".panel-head")).to_be_visible()


@picture(WIDE, NARROW)
def work_several_at_once(page: Page, shop: Shop) -> None:
    open_(page, "/work?list=unassigned&within=any-time")
    expect(page.locator(".line.work").nth(4)).to_be_visible()
    for line in (0, 2, 3):
        page.locator("[class*='st-key-work_row_']").nth(line).locator(".stCheckbox label").click()
    expect(page.get_by_text("3 conversations selected")).to_be_visible()


@picture(*TWO)
def work_due(page: Page, shop: Shop) -> None:
    open_(page, "/work?list=due&within=any-time")
    expect(page.locator(".line.work").nth(1)).to_be_visible()


@picture(*TWO, of="nothing")
def work_nothing_to_do(page: Page, shop: Shop) -> None:
    open_(page, "/work?list=mine&within=30-days")
    expect(page.get_by_text("Nothing is yours")).to_be_visible()


@picture()
def unassigned(page: Page, shop: Shop) -> None:
    open_(page, "/unassigned")
    expect(page.get_by_text("names 0491 570 110")).to_be_visible()


@picture(WIDE, NARROW_DARK)
def unassigned_decide(page: Page, shop: Shop) -> None:
    open_(page, "/unassigned")
    page.get_by_role("button", name="Decide on Linh Tran").click()
    expect(page.get_by_role("dialog")).to_be_visible()


@picture(*TWO, of="nothing")
def unassigned_everybody_known(page: Page, shop: Shop) -> None:
    open_(page, "/unassigned")
    expect(page.get_by_text("Everybody is known")).to_be_visible()


@picture(user="root")
def message(page: Page, shop: Shop) -> None:
    open_(page, f"/message?message={quote(shop.edited)}&versions=1")
    expect(page.locator(".line.source").first).to_be_visible()


@picture(WIDE, NARROW_DARK, user="root")
def message_exact_bytes(page: Page, shop: Shop) -> None:
    open_(page, f"/message?message={quote(shop.edited)}")
    page.get_by_role("link", name="Exact bytes of source 1").click(force=True)
    expect(page.locator(".raw pre")).to_be_visible()
    page.locator(".raw pre").scroll_into_view_if_needed()


# -- administration --------------------------------------------------------------------------------


@picture(user="root")
def tags(page: Page, shop: Shop) -> None:
    open_(page, "/tags")
    page.get_by_role("button", name="Choose Returns").click(force=True)
    expect(page.get_by_label("What it is for")).to_be_visible()


@picture(WIDE, user="root", of="nothing")
def tags_none(page: Page, shop: Shop) -> None:
    open_(page, "/tags")
    expect(page.locator(".empty").first).to_be_visible()


@picture(user="root")
def connections(page: Page, shop: Shop) -> None:
    open_(page, "/connections")
    expect(page.locator(".connection").nth(5)).to_be_visible()


@picture(user="root")
def quarantine(page: Page, shop: Shop) -> None:
    open_(page, "/quarantine")
    expect(page.locator(".line.quarantined")).to_have_count(5)


@picture(user="root", of="nothing")
def quarantine_empty(page: Page, shop: Shop) -> None:
    open_(page, "/quarantine")
    expect(page.get_by_text("Nothing is in quarantine")).to_be_visible()


@picture(user="root")
def health(page: Page, shop: Shop) -> None:
    open_(page, "/health")
    expect(page.get_by_text("Messages an hour")).to_be_visible()


@picture(*TWO, user="root")
def health_room(page: Page, shop: Shop) -> None:
    open_(page, "/health")
    page.locator(".table.sizes tr").last.scroll_into_view_if_needed()
    expect(page.get_by_text("The largest tables")).to_be_in_viewport()


@picture(*TWO, user="root")
def jobs(page: Page, shop: Shop) -> None:
    open_(page, "/jobs")
    expect(page.get_by_role("button", name="Do it again").first).to_be_visible()


@picture(*TWO, user="root")
def users(page: Page, shop: Shop) -> None:
    open_(page, "/users")
    page.get_by_role("button", name="Choose noah").click(force=True)
    expect(page.get_by_role("button", name="Save the role")).to_be_visible()


@picture(*TWO)
def account(page: Page, shop: Shop) -> None:
    open_(page, "/account")
    expect(page.get_by_text("Where you are signed in")).to_be_visible()
    expect(page.get_by_label("Present password")).to_be_visible()


@picture(user="root")
def audit(page: Page, shop: Shop) -> None:
    open_(page, f"/audit?customer={shop.mai}")
    expect(page.locator(".line.event").nth(3)).to_be_visible()


@picture(*TWO, user="root")
def audit_no_events(page: Page, shop: Shop) -> None:
    open_(page, "/audit?person=zoe&action=timeline.view")
    expect(page.get_by_text("No events")).to_be_visible()


@picture(*TWO, user="root", of="nothing")
def connections_none(page: Page, shop: Shop) -> None:
    open_(page, "/connections")
    expect(page.get_by_text("No connection yet")).to_be_visible()


@picture(*TWO, user="root", of="office")
def connecting_choose(page: Page, shop: Shop) -> None:
    open_(page, "/connections?add=any")
    expect(page.locator(".line.choice").nth(5)).to_be_visible()


@picture(user="root", of="office")
def connecting_guide(page: Page, shop: Shop) -> None:
    connecting(page, "whatsapp")


@picture(*TWO, user="root", of="office")
def connecting_wrong_paste(page: Page, shop: Shop) -> None:
    connecting(page, "twilio_sms")
    for label, wrong in (
        ("Account SID", "SK" + "0" * 32), ("Auth Token", f'"{"0" * 32}"'), ("Our numbers", "0491 570 006"),
    ):  # fmt: skip
        page.get_by_label(label).fill(wrong)
        page.get_by_label(label).press("Enter")
        page.wait_for_timeout(500)
    expect(page.locator(".under.bad")).to_have_count(3)
    amid(page.get_by_label("Auth Token"))


@picture(*TWO, user="root", of="office")
def connecting_no_worker(page: Page, shop: Shop) -> None:
    shop.execute("update jobs.procrastinate_workers set last_heartbeat = now() - interval '1 hour'")
    checking(page)
    said = page.get_by_text("No worker runs, and it is the worker that asks")
    expect(said).to_be_visible()
    amid(said)
    shop.execute("update jobs.procrastinate_workers set last_heartbeat = now() + interval '1 hour'")


@picture(*TWO, user="root", of="office")
def connecting_refused(page: Page, shop: Shop) -> None:
    checking(page)
    answered(
        shop, problem="Meta: Error validating access token: the session has been invalidated (190)"
    )
    expect(page.get_by_text("Meta says no; nothing was saved.")).to_be_visible()
    amid(page.get_by_text("Meta says no; nothing was saved."))


@picture(user="root", of="office")
def connecting_answered(page: Page, shop: Shop) -> None:
    """Another program is called now: whoever saves says that it is to be replaced."""
    checking(page)
    answered(shop, **found_at_meta())
    expect(page.get_by_role("button", name="Save and register")).to_be_visible()
    page.get_by_text("What is registered there now").click()
    page.get_by_role("button", name="Save and register").scroll_into_view_if_needed()


@picture(user="root", of="office")
def connection(page: Page, shop: Shop) -> None:
    """A history is being loaded."""
    mail = shop.execute("select connection_id from crm.connections where channel = 'gmail'")[0][0]
    open_(page, f"/connections?connection={mail}")
    expect(page.locator("progress")).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


@picture(*TWO, user="root", of="office")
def connection_waiting(page: Page, shop: Shop) -> None:
    open_(page, f"/connections?connection={shop.connections['whatsapp']}")
    expect(page.get_by_text("Waiting for the first message")).to_be_visible()
    page.get_by_text("What was registered").click()
    page.get_by_text("Waiting for the first message").scroll_into_view_if_needed()


@picture(*TWO, user="root", of="office")
def connection_silent(page: Page, shop: Shop) -> None:
    open_(page, f"/connections?connection={shop.connections['instagram']}")
    expect(page.get_by_text("Nothing has come yet")).to_be_visible()
    page.get_by_text("Nothing has come yet").scroll_into_view_if_needed()


@picture(*TWO, user="root", of="office")
def connection_keys(page: Page, shop: Shop) -> None:
    open_(page, f"/connections?connection={shop.connections['messenger']}")
    page.get_by_text("Change keys, or rotate a secret").click()
    expect(page.get_by_text("Forget the older secrets")).to_be_visible()
    amid(page.get_by_text("Forget the older secrets"))


def amid(place: Locator) -> None:
    """Have it in the middle of the window."""
    place.evaluate("e => e.scrollIntoView({block: 'center'})")


def connecting(page: Page, channel: str) -> None:
    open_(page, f"/connections?add={channel}")
    expect(page.get_by_role("heading", name="2. Paste")).to_be_visible()


def checking(page: Page) -> None:
    """Pasted what is right, and asked the provider."""
    connecting(page, "messenger")
    page.get_by_label("Name of this account").fill("Front desk")
    for key in ("page_id", "app_secret", "access_token"):
        field = guide("messenger").field(key)
        assert field is not None
        page.get_by_label(field.label, exact=True).fill(PASTED["messenger"][key])
    page.get_by_role("button", name="Check with Meta").click()
    expect(page.get_by_text("Asking Meta").or_(page.get_by_text("No worker runs"))).to_be_visible()


# -- privacy ---------------------------------------------------------------------------------------


@picture(user="olive", of="office")
def privacy(page: Page, shop: Shop) -> None:
    open_(page, "/privacy")
    expect(page.locator(".line.case")).to_have_count(4)
    page.locator(f".st-key-choose_{shop.case} button").click(force=True)
    expect(page.get_by_role("button", name="Write what we hold")).to_be_visible()


@picture(*TWO, user="olive", of="office")
def privacy_incident(page: Page, shop: Shop) -> None:
    open_(page, "/privacy")
    page.locator(f".st-key-choose_{shop.incident} button").click(force=True)
    page.get_by_role("button", name="Whom did this account see?").click()
    expect(page.get_by_text("This account saw 7 people")).to_be_visible()
    if is_narrow(page):
        page.get_by_text("This account saw 7 people").scroll_into_view_if_needed()


@picture(user="olive", of="nothing")
def privacy_nothing_open(page: Page, shop: Shop) -> None:
    open_(page, "/privacy")
    expect(page.get_by_text("Nothing is open")).to_be_visible()


@picture(user="olive", of="office")
def retention(page: Page, shop: Shop) -> None:
    open_(page, "/retention")
    page.get_by_role("button", name="Count what is due").click()
    expect(page.get_by_text("3 due of 1 person")).to_be_visible()


@picture(*TWO, user="olive", of="office")
def retention_held_and_destroyed(page: Page, shop: Shop) -> None:
    """Two people's word, what is held, certificates: further down where the page is narrow."""
    open_(page, "/retention")
    expect(page.get_by_role("button", name="Agree: destroy")).to_be_visible()
    if is_narrow(page):
        page.get_by_text("What is held").evaluate("e => e.scrollIntoView()")
    else:
        page.get_by_text("Certificates", exact=True).scroll_into_view_if_needed()


@picture(user="olive", of="nothing")
def retention_nothing_held(page: Page, shop: Shop) -> None:
    open_(page, "/retention")
    expect(page.get_by_text("Nothing is held")).to_be_visible()


@picture(user="olive", of="office")
def data_quality(page: Page, shop: Shop) -> None:
    open_(page, "/data_quality")
    expect(page.locator(".finding")).to_have_count(3)
    page.get_by_text("Keys of the rows (4 of them)").click()


@picture(user="olive", of="nothing")
def data_quality_not_looked_at(page: Page, shop: Shop) -> None:
    open_(page, "/data_quality")
    expect(page.get_by_text("Nothing was looked at yet")).to_be_visible()


# -- taking them -----------------------------------------------------------------------------------


@contextmanager
def window(browser: Browser, address: str, kind: Window, user: str) -> Iterator[Page]:
    width, scheme = kind
    context = browser.new_context(
        timezone_id="Australia/Sydney",
    )
    # The person says what the window is like.
    person = Person(context, address, width=width, height=HEIGHTS.get(width, 800), scheme=scheme)
    if user:
        person.sign_in("/saved", user_name=user)
    else:
        person.page.goto(address)
    yield person.page
    context.close()


def keep(page: Page, file: str) -> None:
    from PIL import Image

    # Whatever still moves into its place has come to it, and nothing stands for what is not there yet.
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    page.wait_for_timeout(700)
    taken = page.screenshot(animations="disabled")
    Image.open(io.BytesIO(taken)).convert("RGB").save(
        FOLDER / file, "WEBP", quality=QUALITY, method=6
    )
    if folder := os.environ.get("PICTURES"):
        (Path(folder) / file).with_suffix(".png").write_bytes(taken)


def take(browser: Browser, address: str, shop: Shop, of: Of) -> list[str]:
    """Take all of one kind, window by window; what could not be is told at the end, so that one run shows all."""
    wanted = os.environ.get("ONLY", "").split()
    failed = []
    mine = [each for each in PICTURES if each.of == of and (not wanted or each.name in wanted)]
    for kind in dict.fromkeys(kind for each in mine for kind in each.windows):
        for user in dict.fromkeys(each.user for each in mine if kind in each.windows):
            with window(browser, address, kind, user) as page:
                for each in mine:
                    if kind not in each.windows or each.user != user:
                        continue
                    try:
                        each.draw(page, shop)
                        keep(page, each.file(kind))
                    except Exception as failure:
                        failed.append(f"{each.file(kind)}: {str(failure)[:400]}")
    return failed


def is_wanted(of: Of) -> bool:
    """Whether any of these is to be taken: writing what they show takes longer than taking one."""
    wanted = os.environ.get("ONLY", "").split()
    return any(each.of == of and (not wanted or each.name in wanted) for each in PICTURES)


@pytest.mark.timeout(1_800)
@pytest.mark.skipif(not is_wanted("shop"), reason="ONLY names none of them")
def test_take_what_is_there(browser: Browser, address: str, correspondence: Correspondence) -> None:
    FOLDER.mkdir(exist_ok=True)
    assert take(browser, address, written(correspondence), "shop") == []


@pytest.mark.timeout(1_800)
@pytest.mark.skipif(not is_wanted("office"), reason="ONLY names none of them")
def test_take_what_the_office_has(
    browser: Browser, address: str, correspondence: Correspondence
) -> None:
    shop = written(correspondence)
    office(correspondence, shop)
    # What was judged before there was all this stands above pages for so long.
    time.sleep(judged.LINE_SECONDS)
    assert take(browser, address, shop, "office") == []


@pytest.mark.timeout(300)
@pytest.mark.skipif(not is_wanted("nothing"), reason="ONLY names none of them")
def test_take_where_nothing_is(
    browser: Browser, address: str, correspondence: Correspondence
) -> None:
    for name, role in (("mia", "agent"), ("root", "admin"), ("olive", "privacy_officer")):
        correspondence.user(name, role)
    correspondence.execute("delete from crm.connections")
    assert take(browser, address, Shop(), "nothing") == []
