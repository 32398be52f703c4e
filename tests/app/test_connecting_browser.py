"""All six channels connected through the page alone, in a real Chromium, with the programs that stand behind it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from simulator import server
from simulator.server import Simulator
from tests.app.browsing import Person, serving
from tests.app.conftest import Correspondence
from tests.long_form import LONG
from tests.pipelines.programs import has_started, wait_until
from tests.webhooks.conftest import RunningReceiver, serve
from warehouse.channels import registry
from warehouse.guides import guide
from warehouse.settings import Settings

NAME = "Front desk"


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
        process.wait(20)


def label(channel: str, key: str) -> str:
    field = guide(channel).field(key)
    assert field is not None
    # As a label stands on the page.
    kept = "".join(c if c.isalnum() or c in "@.+'" else " " for c in field.label)
    return " ".join(kept.split())


def open_folds(page: Page) -> None:
    for fold in ("More keys", "The provider at another address"):
        summary = page.locator("summary", has_text=fold)
        if summary.count():
            summary.click()


def test_all_six_channels_are_connected_on_the_page_alone(
    browser: Browser, correspondence: Correspondence, simulator: Simulator, tmp_path: Path
) -> None:
    settings = correspondence.settings
    correspondence.execute("delete from crm.connections")
    correspondence.user("admin", "admin")
    with (
        contextlib.closing(
            browser.new_context(viewport={"width": 1200, "height": 1000})
        ) as context,
        serve(settings) as receiver,
    ):
        more = {
            "CRM_PUBLIC_URL": receiver.base_url,
            "CRM_PROVIDER_ADDRESSES": simulator.base_url,
        }
        with (
            working(settings, tmp_path / "worker.log", **more),
            serving(settings, tmp_path, is_forked=True, **more) as address,
        ):
            person = Person(context, address)
            page = person.sign_in("/connections", user_name="admin")
            expect(page.get_by_text("No connection yet")).to_be_visible()
            wrong_pastes_are_told(page, simulator)
            for channel in registry():
                connect(page, address, channel, simulator, correspondence, receiver)
            page.goto(f"{address}/connections")
            expect(page.locator(".connection")).to_have_count(6)
            assert person.errors == []
            # Its socket would keep the app from ending.
            page.close()
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
    page.get_by_label("The provider at another address", exact=True).fill(simulator.base_url)
    page.get_by_role("button", name="Check with Twilio").click()
    expect(page.get_by_text("Twilio says no; nothing was saved.")).to_be_visible()
    expect(page.get_by_role("button", name="Save and register")).to_have_count(0)


def settled(page: Page) -> None:
    """Wait until the page is drawn for what was typed last."""
    page.wait_for_timeout(150)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def connect(
    page: Page,
    address: str,
    channel: str,
    simulator: Simulator,
    correspondence: Correspondence,
    receiver: RunningReceiver,
) -> None:
    known, keys = registry()[channel], simulator.accounts[channel]
    by_keyboard = LONG or channel == "messenger"
    page.goto(f"{address}/connections?add={channel}")
    expect(page.get_by_role("heading", name=f"Connect {known.name}")).to_be_visible()
    open_folds(page)
    page.get_by_label("Name of this account").fill(NAME)
    for key, value in keys.items():
        field = guide(channel).field(key)
        assert field is not None
        if field.choices:
            continue
        written = page.get_by_label(label(channel, key), exact=True)
        if LONG and key != "recording_basis":
            # Each of them, by keyboard too: told as soon as one leaves it, and no longer once it is right.
            written.focus()
            page.keyboard.insert_text("two words")
            page.keyboard.press("Enter")
            expect(page.locator(".under.bad")).to_have_count(1)
            page.keyboard.press("ControlOrMeta+a")
        if by_keyboard:
            # What the field before set off may put another one under the keys.
            settled(page)
            written.focus()
            page.keyboard.insert_text(value)
            expect(written).to_have_value(value)
            # Behind a secret's field stands the button that shows it: Tab does not leave the field, Enter takes it.
            page.keyboard.press("Enter" if field.is_secret else "Tab")
        else:
            written.fill(value)
    check = page.get_by_role("button", name="Check with")
    if by_keyboard:
        check.focus()
        page.keyboard.press("Enter")
    else:
        check.click()
    expect(page.get_by_text(f"{known.provider.title()} answers.")).to_be_visible()
    assert correspondence.execute(
        "select count(*) from crm.connections where channel = %s", [channel]
    ) == [(0,)]
    save = page.get_by_role("button", name="Save and register")
    if by_keyboard:
        save.focus()
        page.keyboard.press("Enter")
    else:
        save.click()
    expect(page.get_by_text("Waiting for the first message")).to_be_visible()
    ((connection_id, name),) = correspondence.execute(
        "select connection_id, name from crm.connections where channel = %s", [channel]
    )
    assert name == NAME
    assert connection_id in page.url
    if not known.push_carries_messages:
        # In Google Cloud, by hand, as the page says.
        simulator.subscribe(
            f"{receiver.base_url}/webhooks/{channel}/{connection_id}", keys["push_audience"]
        )
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
