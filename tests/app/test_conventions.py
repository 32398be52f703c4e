"""Rules of the room: names that Python can live with, pages that stay scripts, one matrix of roles."""

from __future__ import annotations

import ast
import re
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from streamlit.material_icon_names import ALL_MATERIAL_ICONS

import app
from app import layout
from app.access.roles import MATRIX, Permission, UserRole, may
from tests.app.role_matrix import SPEC, matrix, written
from warehouse.channels import registry
from warehouse.schemes import schemes

FOLDER = Path(app.__file__).parent
#: Every top-level package that is installed, looked up once: it reads the metadata of all.
PACKAGES = packages_distributions()
PAGES = sorted((FOLDER / "pages").glob("*.py"))


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.iterdir()))
def test_no_file_is_named_like_a_module(name: str) -> None:
    # This folder is first on sys.path while Streamlit runs.
    if name.startswith("__"):
        return
    assert name not in sys.stdlib_module_names
    assert name not in PACKAGES
    assert name != "app"


def test_parts_that_live_and_dialogs_are_guarded() -> None:
    """A fragment or a dialog runs without main.py: what it guards is guarded again in one place."""
    makers = {
        path.relative_to(FOLDER).as_posix()
        for path in FOLDER.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "st"
        and node.attr in ("fragment", "dialog")
    }
    assert makers == {"guard.py"}


#: What people decide; each asks who the person is by now, and may refuse.
DECIDES = {"act", "act_connections", "act_identity", "act_privacy", "act_users"}


def test_what_a_click_decides_is_attempted() -> None:
    """Decided by the `person` whom `guard.attempt` has found a moment ago, so that a refusal is a sentence and no error."""
    found = set()
    for path in FOLDER.rglob("*.py"):
        if path.stem in DECIDES:
            continue
        for call in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and isinstance(call.func.value, ast.Name)
                and call.func.value.id in DECIDES
                and call.func.attr != "Seen"
                and not (call.args and ast.unparse(call.args[0]) == "person")
            ):
                found.add(f"{path.name}: {ast.unparse(call)[:80]}")
    assert found == set()


def test_no_fragment_has_a_timer() -> None:
    for path in FOLDER.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call):
                assert "run_every" not in {each.arg for each in call.keywords}, path.name
    # Nor one by another name: whatever asks again is told to in one place, and there only while it is not told.
    timers = {
        path.name
        for path in FOLDER.rglob("*")
        if path.suffix in (".py", ".js") and re.search(r"setInterval|autorefresh", path.read_text())
    }
    assert timers == {"news.js"}


#: Pages that stay as they are while somebody looks at them, and are read anew by another visit. Every other hangs a bell.
STILL = {
    "account", "audit", "import_customers", "message", "saved", "search", "tags", "users",
}  # fmt: skip


def test_every_page_hangs_a_bell_or_is_known_to_stand_still() -> None:
    # The parts of a page may stand in a module of their own, beside the pages.
    live = {
        path.stem
        for path in PAGES
        for written in (path, FOLDER / f"{path.stem}_parts.py")
        if written.exists() and re.search(r"@guard\.live\([^)]", written.read_text())
    }
    assert live == {path.stem for path in PAGES} - STILL


def test_html_is_drawn_in_one_place() -> None:
    """By `st.html`, which lets no script run; and from its one place, which asks no file system."""
    for path in FOLDER.rglob("*.py"):
        assert "unsafe_allow" not in path.read_text(), path.name
    drawn = {path.name for path in FOLDER.rglob("*.py") if re.search(r"\.html\(", path.read_text())}
    assert drawn == {"markup.py"}


def test_nothing_is_loaded_from_elsewhere() -> None:
    for path in (*FOLDER.rglob("*.css"), FOLDER.parent / ".streamlit" / "config.toml"):
        assert not re.search(r"https?:|url\(|@import", path.read_text()), path.name


#: What a style may ask of all that stands in an element: of a field or a label alone, where one stands in it by keyboard.
OF_A_FIELD = {"input:focus-visible", "button"}


def test_no_style_asks_the_whole_page_what_stands_in_it() -> None:
    """A browser would work out the style of all that it shows for each element that comes or goes (app/style.css)."""
    asked: dict[str, str] = {}
    for path in FOLDER.rglob("*.css"):
        for rule in re.findall(r"^\s*([^/{}@]+)\{", re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S), re.M):  # fmt: skip
            what = [each for each in re.findall(r":has\(([^)]*)", rule) if each[0] not in ">+"]
            if not {*what} <= OF_A_FIELD or ".stMainBlockContainer:has" in rule:
                asked[rule.strip()] = path.name
            # Every element of a page bears it for a moment in every run.
            if re.search(r"data-stale[^,]*\*", rule):
                asked[rule.strip()] = path.name
    assert asked == {}


def test_every_icon_that_a_registry_names_is_in_the_font() -> None:
    """Another name would stand there as a word."""
    named = {entry.channel: entry.icon for entry in registry().values()}
    named |= {entry.scheme: entry.icon for entry in schemes().values()}
    assert {key: icon for key, icon in named.items() if icon not in ALL_MATERIAL_ICONS} == {}


def test_the_icon_of_a_channel_is_drawn_in_one_place() -> None:
    drawn = {path.name for path in FOLDER.rglob("*.py") if "channel.icon" in path.read_text()}
    assert drawn == {"components.py"}


def test_the_matrix_names_every_role_and_all_may_read() -> None:
    assert set(MATRIX) == set(UserRole)
    assert all(may(role, Permission.READ) for role in UserRole)
    deciders = {role for role in UserRole if may(role, Permission.DECIDE_CUSTOMER)}
    assert deciders == {UserRole.AGENT, UserRole.ADMIN}
    for permission in (
        Permission.READ_REVISIONS,
        Permission.READ_RAW,
        Permission.READ_EVENTS,
        Permission.HANDLE_PRIVACY,
    ):
        examiners = {role for role in UserRole if may(role, permission)}
        assert examiners == {UserRole.PRIVACY_OFFICER, UserRole.ADMIN}
    assert {role for role in UserRole if may(role, Permission.ORGANISE)} == deciders
    assert {role for role in UserRole if may(role, Permission.SHARE_VIEWS)} == deciders
    for permission in (
        Permission.MANAGE_CONNECTIONS,
        Permission.MANAGE_USERS,
        Permission.MANAGE_TAGS,
        Permission.MANAGE_VIEWS,
    ):
        assert {role for role in UserRole if may(role, permission)} == {UserRole.ADMIN}


def test_the_matrix_is_the_one_that_is_written_down() -> None:
    assert written(SPEC.read_text()) == matrix(), "write it anew: python -m tests.app.role_matrix"


def test_the_notice_says_what_and_since_when() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    state = {"error": None, "failing_since": None, "waiting_since": now - timedelta(seconds=20)}
    assert layout.stale(state, now) is None
    failing = {**state, "error": "messages: broken", "failing_since": now - timedelta(minutes=5)}
    sentence = str(layout.stale(failing, now))
    assert "failed; none has worked for 5 minutes" in sentence
    assert "messages: broken" in sentence
    waiting = {**state, "waiting_since": now - timedelta(minutes=9)}
    assert "Nothing has been folded for 9 minutes" in str(layout.stale(waiting, now))


#: Streamlit's elements that read their first argument as Markdown, and what makes a text that Markdown leaves alone.
READS_MARKDOWN = {
    "badge", "button", "caption", "checkbox", "error", "expander", "form_submit_button", "header", "info", "link_button",
    "markdown", "metric", "multiselect", "page_link", "pills", "popover", "radio", "segmented_control", "selectbox", "subheader",
    "success", "text_area", "text_input", "title", "toast", "toggle", "warning", "write",
}  # fmt: skip
MADE_PLAIN = {"plain", "link_label", "sentence"}
#: Sentences of ours alone.
OURS = {
    "answer.sentence",
    "note",
    # Kept for the next run as `sentence` made it.
    "refused",
    "address.QUARANTINE",
    "address.TIMELINE",
    "address.ABOUT_MESSAGE",
    "address.AUDIT",
    "address.ACCOUNT",
}


def test_no_test_asks_a_page_for_what_its_policy_forbids() -> None:
    """`wait_for_function` looks a second time by `eval` (tests/app/browsing.py): it fails where a page takes its time."""
    asks = "wait_for_" + "function"
    tests = FOLDER.parent / "tests"
    found = {path.name for path in tests.rglob("*.py") if f".{asks}(" in path.read_text()}
    assert found == set()


def test_no_label_is_what_somebody_wrote() -> None:
    """A name with a link in it would be a link, and `:material/…:` a picture."""
    found = set()
    for path in FOLDER.rglob("*.py"):
        tree = ast.parse(path.read_text())
        plain_names = {
            target.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and _is_plain(node.value)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in ast.walk(tree):
            if not (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and isinstance(call.func.value, ast.Name)
            ):
                continue
            is_link = (call.func.value.id, call.func.attr) == ("navigation", "link")
            reads = call.func.value.id == "st" and call.func.attr in READS_MARKDOWN
            if not (is_link or reads):
                continue
            named = [each.value for each in call.keywords if each.arg == "label"]
            # What a link leads to comes first.
            leads = is_link or call.func.attr == "page_link"
            for label in named or call.args[: 0 if leads else 1]:
                said = ast.unparse(label)
                if not _is_plain(label) and said not in OURS | plain_names:
                    found.add(f"{path.name}: st.{call.func.attr}({said})")
    assert found == set()


def _is_plain(node: ast.expr) -> bool:
    """A text of ours, or one that went through what makes it plain."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.IfExp):
        return _is_plain(node.body) and _is_plain(node.orelse)
    if isinstance(node, ast.BoolOp):
        return all(_is_plain(each) for each in node.values)
    if isinstance(node, ast.JoinedStr):
        return all(
            isinstance(each, ast.Constant)
            or (isinstance(each, ast.FormattedValue) and _is_number_or_plain(each))
            for each in node.values
        )
    return isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in MADE_PLAIN


def _is_number_or_plain(part: ast.FormattedValue) -> bool:
    """A number (it is counted, reckoned, or has a format), a list of ours, or a text as above."""
    node = part.value
    return (
        part.format_spec is not None
        or isinstance(node, ast.BinOp)
        or (isinstance(node, ast.Call) and ast.unparse(node.func) == "len")
        or (isinstance(node, ast.Call) and node.args != [] and ast.unparse(node.args[0]).isupper())
        or _is_plain(node)
    )


def test_pages_and_links_to_them_are_made_once() -> None:
    """By path, Streamlit looks for each at the file system in each run of each person."""
    found = {
        path.name
        for path in FOLDER.rglob("*.py")
        if re.search(r"\bst\.(Page|page_link|switch_page)\(", path.read_text())
    }
    assert found == {"navigation.py"}
