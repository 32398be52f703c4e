"""All six channels connected through the page alone, in a real Chromium, with the programs that stand behind it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from simulator import server
from simulator.server import Simulator
from tests.app.browsing import Person, forget, serving, tab_to, usual_port
from tests.app.conftest import Correspondence
from tests.long_form import LONG
from tests.pipelines.programs import has_started, wait_until
from tests.webhooks.conftest import serve
from warehouse.channels import registry
from warehouse.guides import Field, documents, guide
from warehouse.settings import Settings

NAME = "Front desk"
#: Channels whose webhook may be entered at the provider without us.
BY_HAND = ("whatsapp", "messenger", "instagram")


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    """One whose numbers and apps nobody has configured."""
    with server.start(seed=7, messages=24, state_dir=tmp_path / "simulator") as running:
        yield running


@contextlib.contextmanager
def working(settings: Settings, log: Path, **more: str) -> Iterator[None]:
    """A worker with these settings."""
    from tests.pipelines.programs import start

    with pytest.MonkeyPatch.context() as patch:
        for name, value in more.items():
            patch.setenv(name, value)
        process = start(settings, ["-m", "worker"], log)
    try:
        wait_until(lambda: has_started(log), 60, "the worker's start")
        yield
    finally:
        process.terminate()
        process.wait(60)


@contextlib.contextmanager
def before(profile: BrowserContext, address: str) -> Iterator[Person]:
    """Somebody in front of a high window. Their page is closed in the end: its socket would keep the app from ending."""
    person = Person(profile, address, height=1000)
    try:
        yield person
    finally:
        forget(profile, address)


@dataclass(frozen=True)
class Document:
    """A guide as it lies in docs/connect, cut into its steps."""

    before: list[str]
    #: Label and where it is found, by key.
    pasted: dict[str, tuple[str, str]]
    registered: list[str]
    silence: list[str]

    @classmethod
    def of(cls, channel: str) -> Document:
        steps = (documents.PLACE / f"{channel}.md").read_text().split("\n## ")
        head, before, paste, _, register, first = steps
        told = [line for line in head.splitlines()[2:] if line and not line.startswith("# ")]
        rows = re.findall(r"^\| (.+?) \(`(\w+)`\) \| (.*?) \|", paste, re.MULTILINE)
        assert rows, channel
        return cls(
            [*told, *re.findall(r"^\d+\. (.+)", before, re.MULTILINE)],
            {key: (label, where) for label, key, where in rows},
            [line for line in register.splitlines()[1:] if line],
            re.findall(r"^- (.+)", first, re.MULTILINE),
        )


def says(page: Page, words: Iterable[str]) -> None:
    """The page says all of it, but for the marks of Markdown, as soon as it is drawn."""
    shown = page.locator(".st-key-connections").last
    for each in words:
        unmarked = " ".join(each.replace("**Rights.** ", "").replace("*", "").split())
        expect(shown).to_contain_text(unmarked, use_inner_text=True)


def press(page: Page, target: Locator, *, by_keyboard: bool) -> None:
    if by_keyboard:
        settled(page)
        tab_to(page, target)
        page.keyboard.press("Enter")
    else:
        target.click()


def open_folds(page: Page, *, by_keyboard: bool = False) -> None:
    for fold in ("More keys", "The provider at another address"):
        summary = page.locator("summary", has_text=fold)
        if summary.count():
            settled(page)
            press(page, summary, by_keyboard=by_keyboard)
            expect(page.locator("details[open] > summary", has_text=fold)).to_be_visible()


@pytest.mark.timeout(1_800 if LONG else 600)
def test_all_six_channels_are_connected_on_the_page_alone(
    profile: BrowserContext, correspondence: Correspondence, simulator: Simulator, tmp_path: Path
) -> None:
    settings = correspondence.settings
    correspondence.execute("delete from crm.connections")
    correspondence.user("admin", "admin")
    with serve(settings) as receiver:
        more = {
            "CRM_PUBLIC_URL": receiver.base_url,
            "CRM_PROVIDER_ADDRESSES": simulator.base_url,
        }
        with (
            working(settings, tmp_path / "worker.log", **more),
            serving(settings, tmp_path, port=usual_port(), is_forked=True, **more) as address,
            before(profile, address) as person,
        ):
            page = person.sign_in("/connections", user_name="admin")
            expect(page.get_by_text("No connection yet")).to_be_visible()
            wrong_pastes_are_told(page, simulator)
            for channel in registry():
                connect(page, address, channel, simulator, correspondence)
            page.goto(f"{address}/connections")
            expect(page.locator(".connection")).to_have_count(6)
            assert person.errors == []
    # Nothing that was pasted lies open anywhere but where it is needed, and every act has its event.
    stored = str(
        correspondence.execute(
            "select settings, answer, options, pasted from crm.connection_requests"
        )
    ) + str(correspondence.execute("select settings, detail from crm.connections, crm.events"))
    for account in simulator.accounts.values():
        for key, value in account.items():
            if key.endswith(("secret", "token")):
                assert value not in stored, key
    for action in ("connection.check", "connection.add", "connection.configure_webhook"):
        assert {each["actor"] for each in correspondence.events(action)} == {"admin"}, action
    assert len(correspondence.events("connection.add")) == 6
    assert simulator.get("contract")["unknown"] == []


def test_a_webhook_is_entered_by_hand_as_the_page_says(
    profile: BrowserContext, correspondence: Correspondence, simulator: Simulator, tmp_path: Path
) -> None:
    """Without the keys of Meta's app: what is copied from the page is entered at Meta, which asks for the verify token."""
    settings = correspondence.settings
    correspondence.execute("delete from crm.connections")
    correspondence.user("admin", "admin")
    with serve(settings) as receiver:
        more = {
            "CRM_PUBLIC_URL": receiver.base_url,
            "CRM_PROVIDER_ADDRESSES": simulator.base_url,
        }
        with (
            working(settings, tmp_path / "worker.log", **more),
            serving(settings, tmp_path, port=usual_port(), is_forked=True, **more) as address,
            before(profile, address) as person,
        ):
            page = person.sign_in("/connections", user_name="admin")
            for channel in BY_HAND if LONG else BY_HAND[:1]:
                keys = simulator.accounts[channel]
                page.goto(f"{address}/connections?add={channel}")
                expect(page.get_by_role("button", name="Check with")).to_be_visible()
                open_folds(page)
                for field in guide(channel).fields:
                    if field.key in keys and field.key != "app_id" and not field.choices:
                        fill(page, field, keys[field.key], by_keyboard=False, wrongly=False)
                page.get_by_role("button", name="Check with").click()
                expect(page.get_by_text("Meta answers.")).to_be_visible()
                webhook, token = copied(page, by_keyboard=False)
                page.get_by_role("button", name="Save only").click()
                expect(page.get_by_role("button", name="Register our webhook")).to_be_visible()
                with pytest.raises(ValueError, match="failed the handshake"):
                    simulator.point(channel, webhook, f"{token}x")
                simulator.point(channel, webhook, token)
                simulator.message(channel=channel, person="Mai Tran", body="Entered by hand")
                wait_until(
                    lambda channel=channel: correspondence.execute(
                        "select true from raw.webhook_deliveries where channel = %s limit 1", [channel]
                    ),
                    40,
                    f"a delivery over {channel} (sent: {simulator.deliveries()[-3:]})",
                )  # fmt: skip


def wrong_pastes_are_told(page: Page, simulator: Simulator) -> None:
    """At once by their shape, and by the provider before anything is saved."""
    page.get_by_role("link", name="Add a connection").click()
    page.get_by_role("link", name="Connect SMS").click()
    expect(page.get_by_role("heading", name="Connect SMS")).to_be_visible()
    sid = page.get_by_label("Account SID")
    sid.fill("SK" + "0" * 32)
    sid.press("Tab")
    expect(page.get_by_text("This looks like another key: API key SID")).to_be_visible()
    page.get_by_role("button", name="Check with Twilio").click()
    expect(page.get_by_text("Some of it cannot be right")).to_be_visible()
    expect(page.get_by_text("This is needed")).to_be_visible()
    sid.fill(simulator.accounts["twilio_sms"]["account_sid"])
    page.get_by_label("Auth Token").fill("f" * 32)
    open_folds(page)
    # What was missing is there: as long as that is drawn, what stands below moves away from under the pointer.
    expect(page.get_by_text("This is needed")).to_have_count(0)
    expect(page.get_by_text("Some of it cannot be right")).to_have_count(0)
    page.get_by_label("The provider at another address", exact=True).fill(simulator.base_url)
    page.get_by_role("button", name="Check with Twilio").click()
    expect(page.get_by_text("Twilio says no; nothing was saved.")).to_be_visible()
    expect(page.get_by_role("button", name="Save and register")).to_have_count(0)


def settled(page: Page) -> None:
    """Wait until the page is drawn for what was typed last."""
    page.wait_for_timeout(150)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def fill(page: Page, field: Field, value: str, *, by_keyboard: bool, wrongly: bool) -> None:
    """Paste into a field what belongs there; something else before, where a wrong paste is tried too."""
    written = page.get_by_label(field.label, exact=True)
    if not by_keyboard:
        written.fill(value)
        return
    settled(page)
    tab_to(page, written)
    if wrongly:
        page.keyboard.insert_text("two words")
        page.keyboard.press("Enter")
        # Told as soon as it is taken, at this field and at no other one.
        expect(page.locator(".under.bad")).to_have_count(1)
        expect(written).to_be_focused()
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.press("Backspace")
    if value:
        page.keyboard.insert_text(value)
        expect(written).to_have_value(value)
    # Behind a secret's field stands the button that shows it: Tab does not leave the field, Enter takes it.
    page.keyboard.press("Enter" if field.is_secret or wrongly else "Tab")
    if wrongly:
        expect(page.locator(".under.bad")).to_have_count(0)


def copied(page: Page, *, by_keyboard: bool) -> list[str]:
    """Webhook address and verify token, as they are copied from the page."""
    summary = page.locator("summary", has_text="Webhook address and verify token")
    press(page, summary, by_keyboard=by_keyboard)
    codes = page.locator(".st-key-by_hand code")
    expect(codes).to_have_count(2)
    return codes.all_inner_texts()


def connect(
    page: Page,
    address: str,
    channel: str,
    simulator: Simulator,
    correspondence: Correspondence,
) -> None:
    """Step by step as the document says; in the long form, and for one channel, with the keyboard alone."""
    known, keys, document = registry()[channel], simulator.accounts[channel], Document.of(channel)
    by_keyboard = LONG or channel == "messenger"
    page.goto(f"{address}/connections")
    press(page, page.get_by_role("link", name="Add a connection"), by_keyboard=by_keyboard)
    press(page, page.get_by_role("link", name=f"Connect {known.name}"), by_keyboard=by_keyboard)
    expect(page.get_by_role("heading", name=f"Connect {known.name}")).to_be_visible()
    expect(page.get_by_role("button", name="Check with")).to_be_visible()
    open_folds(page, by_keyboard=by_keyboard)
    says(page, document.before)
    says(page, (each for label, where in document.pasted.values() for each in (label, where)))
    name = page.get_by_label("Name of this account")
    if by_keyboard:
        tab_to(page, name)
        page.keyboard.insert_text(NAME)
        page.keyboard.press("Tab")
    else:
        name.fill(NAME)
    for field in guide(channel).fields:
        assert field.is_elsewhere or field.key in document.pasted
        if not field.choices and (LONG or field.key in keys):
            value = keys.get(field.key, "")
            fill(page, field, value, by_keyboard=by_keyboard, wrongly=LONG)
    press(page, page.get_by_role("button", name="Check with"), by_keyboard=by_keyboard)
    expect(page.get_by_text(f"{known.provider.title()} answers.")).to_be_visible()
    says(page, document.registered)
    assert correspondence.execute(
        "select count(*) from crm.connections where channel = %s", [channel]
    ) == [(0,)]
    webhook, token = copied(page, by_keyboard=by_keyboard)
    press(page, page.get_by_role("button", name="Save and register"), by_keyboard=by_keyboard)
    expect(page.get_by_text("Waiting for the first message")).to_be_visible()
    ((connection_id, called),) = correspondence.execute(
        "select connection_id, name from crm.connections where channel = %s", [channel]
    )
    assert called == NAME
    assert connection_id in page.url
    assert webhook.endswith(f"/webhooks/{channel}/{connection_id}")
    assert len(token) > 20
    # Two minutes later, as the worker says then.
    correspondence.execute("update crm.connection_requests set overdue_at = now()")
    expect(page.get_by_text("Nothing has come yet")).to_be_visible()
    says(page, document.silence)
    if not known.push_carries_messages:
        # In Google Cloud, by hand, as the page says.
        simulator.subscribe(webhook, keys["push_audience"])
    a_message_arrives(page, channel, connection_id, simulator, correspondence)
    if guide(channel).history:
        press(page, page.get_by_role("button", name="Ask for the history"), by_keyboard=by_keyboard)
        expect(page.get_by_text("What was asked for")).to_be_visible()


def a_message_arrives(
    page: Page,
    channel: str,
    connection_id: str,
    simulator: Simulator,
    correspondence: Correspondence,
) -> None:
    simulator.message(channel=channel, person="Mai Tran", body=f"Live over {channel}")
    wait_until(
        lambda: correspondence.execute(
            "select true from raw.webhook_deliveries where connection_id = %s limit 1",
            [connection_id],
        ),
        40,
        f"a delivery over {channel} (sent: {simulator.deliveries()[-3:]})",
    )
    correspondence.fold()
    expect(page.get_by_text("The provider calls us")).to_be_visible()
