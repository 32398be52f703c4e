"""The page of tags in a real Chromium: what an admin does with them, by mouse and by keyboard, and all of it undone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from app import act, act_tags, read_tags
from app.access.roles import Forbidden
from app.access.sessions import Viewer
from tests.app.browsing import Person, eventually, fits
from tests.app.conftest import Correspondence
from warehouse.refusals import Refused

NUMBERS = ("+61491570006", "+61491570156")
HOSTILE = "<b>[x](javascript:1)</b>"
SHOWN = "select tags from marts.conversations order by conversation_id"


@pytest.fixture
def conversations(correspondence: Correspondence) -> list[str]:
    for number in NUMBERS:
        correspondence.sms(number, "hello", datetime.now(UTC) - timedelta(hours=1))
    rows = correspondence.execute("select conversation_id from canonical.conversations order by 1")
    return [conversation_id for (conversation_id,) in rows]


@pytest.fixture
def admin(correspondence: Correspondence) -> Viewer:
    return correspondence.signed_in("root", "admin")


def ids(viewer: Viewer) -> dict[str, tuple[str, int]]:
    return {row["name"]: (row["tag_id"], row["version"]) for row in read_tags.tags(viewer).listed}


def test_a_removed_tag_is_on_nothing_and_comes_back_with_all_that_bore_it(
    conversations: list[str], agent: Viewer, admin: Viewer, correspondence: Correspondence
) -> None:
    (message,) = correspondence.execute("select message_id from marts.messages order by 1 limit 1")[
        0
    ]
    act.tag(agent, [*conversations, message], "Returns")
    act.tag(agent, [conversations[0]], "Return")
    known = ids(admin)
    act_tags.merge(admin, *known["Return"], known["Returns"][0])
    (row,) = read_tags.tags(admin).listed
    assert (row["conversations"], row["messages"], row["merged"]) == (2, 1, ["Return"])
    with pytest.raises(Forbidden):
        act_tags.remove(agent, *ids(admin)["Returns"])
    act_tags.remove(admin, *ids(admin)["Returns"])
    # On conversations, of the merged one too, and on the message.
    assert correspondence.execute(SHOWN) == [([],), ([],)]
    assert correspondence.execute("select count(*) from crm.shown_tags") == [(0,)]
    found = read_tags.tags(admin, known["Returns"][0])
    assert found.listed == []
    assert [row["name"] for row in found.removed] == ["Returns"]
    assert [row["action"] for row in found.history] == ["tag.discard", "tag.merge"]
    # A tag of the name is another one; while it stands the removed one does not come back.
    act.tag(agent, [conversations[0]], "Returns")
    gone = found.history[0]["decision_id"]
    with pytest.raises(Refused, match="another tag Returns"):
        act.undo(admin, gone, "r")
    new = ids(admin)["Returns"]
    act_tags.change(admin, *new, name="New", colour="red", description="")
    with pytest.raises(Forbidden):
        act.undo(agent, gone, "r")
    act.undo(admin, gone, "r")
    assert correspondence.execute(SHOWN) == [(["New", "Returns"],), (["Returns"],)]
    # To undo the undo removes it again.
    undone = read_tags.tags(admin, known["Returns"][0]).history[0]["decision_id"]
    act.undo(admin, undone, "r")
    assert correspondence.execute(SHOWN) == [(["New"],), ([],)]
    # Whoever took a removed tag off cannot put it on unseen.
    act_tags.remove(admin, *ids(admin)["New"])
    with pytest.raises(Refused, match="no such tag"):
        act_tags.remove(admin, *new)
    for (decision_id,) in correspondence.execute(
        "select decision_id from crm.decisions where actor = 'root'"
    ):
        events = correspondence.execute(
            "select count(*) from crm.events where detail ->> 'decision_id' = %s", [decision_id]
        )
        assert events == [(1,)]


def test_what_was_taken_off_is_not_put_back_on_a_removed_tag(
    conversations: list[str], agent: Viewer, admin: Viewer, correspondence: Correspondence
) -> None:
    act.tag(agent, conversations, "A")
    act.tag(agent, [conversations[0]], "A", on=False)
    (untagged,) = correspondence.execute(
        "select decision_id from crm.decisions where action = 'conversation.untag'"
    )[0]
    act_tags.remove(admin, *ids(admin)["A"])
    with pytest.raises(Refused, match="no such tag any more"):
        act.undo(agent, untagged, "r")


def test_an_admin_looks_after_the_tags(
    person: Person, conversations: list[str], agent: Viewer, correspondence: Correspondence
) -> None:
    act.tag(agent, conversations, "Returns")
    act.tag(agent, [conversations[0]], "Return")
    act.tag(agent, [conversations[0]], HOSTILE)
    correspondence.user("root", "admin")
    page = person.sign_in("/tags", user_name="root")
    lines = page.locator(".line.tagged")
    expect(lines).to_have_count(3)
    expect(lines.nth(0)).to_contain_text(HOSTILE)
    expect(lines.nth(2)).to_contain_text("2 conversations")

    # By keyboard alone: chosen, called otherwise, saved.
    page.get_by_role("button", name="Choose Returns").focus()
    page.keyboard.press("Enter")
    name = page.get_by_label("Name", exact=True)
    expect(name).to_have_value("Returns")
    name.fill("Sent back")
    page.get_by_label("What it is for").fill("Goods that came back")
    page.get_by_role("button", name="Save").focus()
    page.keyboard.press("Enter")
    expect(lines.nth(2)).to_contain_text("Sent back")
    expect(lines.nth(2)).to_contain_text("Goods that came back")
    page.get_by_role("combobox", name="Colour").click()
    page.get_by_role("option", name="Pink").click()
    former = name.element_handle()
    page.get_by_role("button", name="Save").click()
    # Another tag has been pink from the beginning.
    expect(lines.nth(2).locator(".dot.pink")).to_have_count(1)
    # The list is drawn first, and then the form of what was saved.
    eventually(lambda: not former.evaluate("e => e.isConnected"))

    # Two of one name are not made by renaming.
    expect(name).to_have_count(1)
    name.fill("return")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("There is a tag Return already: merge the two instead")).to_be_visible()

    page.get_by_role("button", name="Choose Return", exact=True).click()
    # For a moment the panel of the former tag stands beside the new one.
    eventually(lambda: name.evaluate_all("all => all.map(each => each.value)") == ["Return"])
    page.get_by_role("combobox", name="Merge into").click()
    page.get_by_role("option", name="Sent back").click()
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(lines).to_have_count(2)
    expect(lines.nth(1)).to_contain_text("also Return")
    page.get_by_role("button", name="Undo").first.click()
    expect(lines).to_have_count(3)

    page.get_by_role("button", name="Choose Sent back").click()
    page.get_by_role("button", name="Remove this tag").click()
    expect(page.get_by_role("heading", name="Removed")).to_be_visible()
    assert correspondence.execute(SHOWN) in (
        [([HOSTILE, "Return"],), ([],)], [([],), ([HOSTILE, "Return"],)]
    )  # fmt: skip
    page.get_by_role("button", name="Undo").first.click()
    expect(page.get_by_role("heading", name="Removed")).to_have_count(0)
    expect(lines).to_have_count(3)
    page.set_viewport_size({"width": 390, "height": 800})
    fits(page)


def test_nobody_else_finds_the_page(person: Person) -> None:
    page = person.sign_in("/")
    expect(page.get_by_role("link", name="Tags")).to_have_count(0)
    page.goto(f"{person.address}/tags")
    expect(page.get_by_role("heading", name="Tags")).to_have_count(0)
