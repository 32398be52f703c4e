"""Open pages are told: what arrives is painted, several tabs at once, hidden ones later; nothing is asked meanwhile."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import psycopg
import pytest
from playwright.sync_api import Page, WebSocket, expect

from tests.app.browsing import Person, ready, until
from tests.app.conftest import Correspondence
from warehouse import decisions
from warehouse.events import Actor
from warehouse.health import WATCH_SECONDS
from warehouse.settings import Role
from worker import watchdog

NUMBER, OTHER = "+61491570006", "+61491570156"


@pytest.fixture
def sam(correspondence: Correspondence) -> str:
    customer = correspondence.customer("Sam Example", f"phone:{NUMBER}")
    correspondence.sms(NUMBER, "hello there", datetime.now(UTC))
    return customer


def is_live(page: Page) -> bool:
    return page.locator(".not-live").count() == 0


def test_many_tabs_of_one_browser_live(
    person: Person, sam: str, correspondence: Correspondence
) -> None:
    """One more than the six connections for requests that a browser opens to an address."""
    page = person.sign_in(f"/timeline?customer={sam}")
    tabs = [page, *(person.tab() for _ in range(6))]
    for tab in tabs[1:]:
        tab.goto(f"{person.address}/timeline?customer={sam}")
    for tab in tabs:
        expect(tab.get_by_text("hello there")).to_be_visible()
    correspondence.sms(NUMBER, "to all tabs", datetime.now(UTC))
    for tab in tabs:
        expect(tab.get_by_text("to all tabs")).to_be_visible()
        assert is_live(tab)


def test_a_hidden_tab_catches_up_when_it_is_looked_at(
    person: Person, sam: str, correspondence: Correspondence
) -> None:
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.get_by_text("hello there")).to_be_visible()
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {configurable: true, get: () => window.away ?? true})"
    )
    correspondence.sms(NUMBER, "while away", datetime.now(UTC))
    time.sleep(2)
    assert page.get_by_text("while away").count() == 0
    page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_text("while away")).to_be_visible()


def test_what_is_typed_elsewhere_on_the_page_stays(
    person: Person, sam: str, correspondence: Correspondence
) -> None:
    page = person.sign_in()
    expect(page.locator(".line.customer")).to_have_count(1)
    search = page.get_by_placeholder("Name, phone or e-mail")
    search.press_sequentially("half a na")
    correspondence.customer("Kim Example", f"phone:{OTHER}")
    expect(page.locator(".line.customer")).to_have_count(2)
    assert search.input_value() == "half a na"


def test_a_decision_of_somebody_else_is_followed(
    person: Person, sam: str, correspondence: Correspondence
) -> None:
    correspondence.sms(OTHER, "of another number", datetime.now(UTC))
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.get_by_text("hello there")).to_be_visible()
    assert page.get_by_text("of another number").count() == 0
    correspondence.execute(
        "insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason)"
        " values ('l1', 'd1', %s, %s, 'test', 'test')",
        [f"phone:{OTHER}", sam],
    )
    expect(page.get_by_text("of another number")).to_be_visible()
    correspondence.execute(
        "update crm.identity_links set ended_at = now(), ended_by = 'test', end_reason = 'test' where link_id = 'l1'"
    )
    expect(page.get_by_text("of another number")).to_have_count(0)
    expect(page.get_by_text("hello there")).to_be_visible()


def test_what_stands_in_a_part_is_not_asked_for_beside_it(
    person: Person, sam: str, correspondence: Correspondence
) -> None:
    """A decision concerns the timeline and what stands in it; of two parts that are asked for at once, one never came."""
    correspondence.sms(OTHER, "of another number", datetime.now(UTC))
    page = person.tab()
    asked: list[object] = []
    told: list[object] = []
    warned: list[str] = []

    def listen(socket: WebSocket) -> None:
        if socket.url.endswith("/news"):
            socket.on(
                "framereceived", lambda said: told.append(said) if "changed" in said else None
            )
        else:
            socket.on("framesent", lambda said: asked.append(said) if b'"rung"' in said else None)

    page.on("websocket", listen)
    page.on("console", lambda said: warned.append(said.text))
    person.page.close()
    person.page = page
    person.sign_in(f"/timeline?customer={sam}")
    expect(page.get_by_text("hello there")).to_be_visible()
    # A browser that has more to do draws a run long after it has ended.
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 6})
    actor = Actor(name="noah", role="agent")
    with psycopg.connect(correspondence.settings.url_for(Role.APP), autocommit=True) as other:
        for _ in range(2):
            decisions.link(other, actor, f"phone:{OTHER}", sam, reason="told us")
            expect(page.get_by_text("of another number")).to_have_count(1)
            page.wait_for_timeout(1_000)
            decisions.unlink(other, actor, f"phone:{OTHER}", reason="somebody else's")
            expect(page.get_by_text("of another number")).to_have_count(0)
            # Until what was asked for besides would have been.
            page.wait_for_timeout(1_000)
    assert 4 <= len(asked) <= len(told)
    assert [each for each in warned if "fragmentId" in each] == []


@pytest.mark.parametrize(
    "change",
    [
        "update crm.sessions set revoked_at = now()",
        "update crm.users set disabled_at = now()",
        # It is told by the clock, half a second later.
        "update crm.sessions set expires_at = now() + interval '500 ms'",
    ],
)
def test_a_page_is_covered_when_its_session_ends(
    person: Person, sam: str, correspondence: Correspondence, change: str
) -> None:
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.get_by_text("hello there")).to_be_visible()
    correspondence.execute(change)
    # It is told: two seconds are asked for, which a machine with more to do than it has cores cannot show; by itself the
    # page asks half a minute later.
    page.get_by_text("hello there").wait_for(state="hidden", timeout=20_000)
    expect(page.get_by_label("User name")).to_be_visible()


def test_a_page_is_drawn_anew_under_other_rights(
    person: Person, sam: str, correspondence: Correspondence
) -> None:
    correspondence.execute("update crm.users set role = 'admin'")
    page = person.sign_in("/connections")
    expect(page.locator(".connection").first).to_be_visible()
    correspondence.execute("update crm.users set role = 'viewer'")
    # As above.
    expect(page.locator(".connection")).to_have_count(0, timeout=20_000)
    expect(page.get_by_role("link", name="Connections")).to_have_count(0)


def test_nothing_is_asked_for_before_the_browser_has_drawn_all_that_came(
    person: Person, sam: str, correspondence: Correspondence
) -> None:
    """A field that a run has set takes that over last; asked for before, a part would be told how the field stood."""
    person.page.add_init_script(
        "window.waiting = []; window.requestIdleCallback = (go) => { window.waiting.push(go); };"
    )
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.get_by_text("hello there")).to_be_visible()
    correspondence.sms(NUMBER, "meanwhile", datetime.now(UTC))
    until(page, "window.waiting.length > 0")
    page.wait_for_timeout(1_000)
    assert page.get_by_text("meanwhile").count() == 0
    page.evaluate("window.waiting.splice(0).forEach((go) => go())")
    expect(page.get_by_text("meanwhile")).to_be_visible()


#: What the app sends comes so much later to the page, as over a slow line or to a busy machine.
LATE = """
    window.late = 0;
    const listen = WebSocket.prototype.addEventListener;
    WebSocket.prototype.addEventListener = function (type, heard, ...more) {
        if (type !== "message" || !this.url.includes("/_stcore/stream")) return listen.call(this, type, heard, ...more);
        let last = 0;
        // Two timers that are set for the same moment do not always go off in order.
        const waiting = [];
        return listen.call(this, type, (event) => {
            waiting.push(event);
            last = Math.max(last, Date.now() + window.late);
            setTimeout(() => heard(waiting.shift()), last - Date.now());
        }, ...more);
    };
"""


def test_what_arrives_while_one_goes_back_takes_no_page_away(
    person: Person, sam: str, correspondence: Correspondence
) -> None:
    """A part of the page that is left is not asked for: it would be drawn behind the page that comes, in its place."""
    person.page.add_init_script(LATE)
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.get_by_text("hello there")).to_be_visible()
    ready(page)
    page.get_by_text("hello there").click()
    expect(page.get_by_text("Where it came from")).to_be_visible()
    page.get_by_role("link", name="Everything about it").press("Enter")
    page.wait_for_url("**/message?*")
    expect(page.get_by_text("Where this came from")).to_be_visible()
    # Until its part is told, too.
    page.wait_for_timeout(1_000)
    page.evaluate("window.late = 1500")
    page.go_back()
    correspondence.sms(NUMBER, "meanwhile", datetime.now(UTC))
    page.wait_for_timeout(4_000)
    page.evaluate("window.late = 0")
    expect(page.get_by_text("meanwhile")).to_be_visible()
    expect(page.get_by_text("hello there")).to_be_visible()
    # And it is live as before.
    correspondence.sms(NUMBER, "afterwards", datetime.now(UTC))
    expect(page.get_by_text("afterwards")).to_be_visible()


def test_idle_pages_cause_no_statement_and_no_request(
    person: Person, sam: str, correspondence: Correspondence
) -> None:
    correspondence.execute("update crm.users set role = 'admin'")
    page = person.sign_in("/")
    requests: list[object] = []
    for path in ("/", f"/timeline?customer={sam}", "/unassigned", "/connections", "/quarantine"):
        tab = person.tab()
        tab.on("request", lambda request: requests.append(request.url))
        # Only of sockets that open from now on.
        tab.on(
            "websocket", lambda socket: socket.on("framesent", lambda frame: requests.append(frame))
        )
        tab.goto(person.address + path)
        expect(tab.locator(".message, .line, .empty, .connection").first).to_be_visible()
    expect(page.locator(".line")).to_have_count(1)
    # Its first word is news.
    watchdog.watch(correspondence.settings)
    page.wait_for_timeout(3_000)
    assert requests
    requests.clear()

    def statements() -> list[tuple[object, ...]]:
        """When each session of the app began its latest statement, as PostgreSQL itself says."""
        return correspondence.execute(
            "select pid, application_name, query_start from pg_stat_activity"
            " where usename = 'crm_app' order by pid"
        )

    before = statements()
    assert {name for _, name, _ in before} >= {"crm app", "crm app news"}
    # Longer than anything of ours waits. The worker's watchdog is at work meanwhile, as ever, and is heard.
    for _ in range(round(60 / WATCH_SECONDS)):
        watchdog.watch(correspondence.settings)
        # What a browser does is heard of while Playwright waits, and not in a sleep.
        page.wait_for_timeout(WATCH_SECONDS * 1000)
    assert statements() == before
    assert requests == []
    # The same measure sees a part that runs.
    correspondence.execute("select pg_notify('crm_health', '')")
    until = time.monotonic() + 60
    while statements() == before or not requests:
        assert time.monotonic() < until
        page.wait_for_timeout(200)


def test_a_page_catches_up_after_the_listener_was_cut_off(
    person: Person, sam: str, correspondence: Correspondence
) -> None:
    page = person.sign_in(f"/timeline?customer={sam}")
    expect(page.get_by_text("hello there")).to_be_visible()
    correspondence.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'crm app news'"
    )
    correspondence.sms(NUMBER, "while nobody listened", datetime.now(UTC))
    expect(page.get_by_text("while nobody listened")).to_be_visible()
