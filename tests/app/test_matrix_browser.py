"""Every page for every role by its address, as somebody types it: what a role may not open is not there for them."""

from __future__ import annotations

import ast

import pytest
from playwright.sync_api import expect

from app.access.roles import MATRIX, Permission, UserRole
from tests.app.browsing import Person
from tests.app.conftest import Correspondence
from tests.long_form import LONG
from warehouse.settings import ROOT


def addresses() -> dict[str, Permission]:
    """The pages by their address, as app/main.py lists them."""
    tree = ast.parse((ROOT / "app" / "main.py").read_text())
    (listed,) = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PAGES"
    ]
    found = {}
    for pair in ast.walk(listed):
        if isinstance(pair, ast.Tuple) and isinstance(pair.elts[0], ast.Call):
            file = ast.literal_eval(pair.elts[0].args[0])
            needed = ast.unparse(pair.elts[1]).removeprefix("Permission.")
            found[file.removeprefix("pages/").removesuffix(".py")] = Permission[needed]
    return found


@pytest.mark.timeout(180)
def test_every_page_for_every_role(person: Person, correspondence: Correspondence) -> None:
    pages = addresses()
    assert len(pages) == len(list((ROOT / "app" / "pages").glob("*.py")))
    for role in UserRole if LONG else (UserRole.AGENT, UserRole.PRIVACY_OFFICER):
        correspondence.execute(
            "update crm.users set role = %s, second_factor_waived = true where user_name = 'agent'",
            [role.value],
        )
        page = person.sign_in()
        for path, needed in pages.items():
            is_open = needed in MATRIX[role]
            if is_open and not LONG:
                continue
            page.goto(f"{person.address}/{path if path != 'customers' else ''}")
            expect(page.locator(".st-key-account")).to_be_visible()
            unknown = page.get_by_text("Page not found")
            expect(unknown).to_have_count(0 if is_open else 1)
            # It is no link, either.
            if not is_open:
                assert page.locator(f'a[href$="/{path}"]').count() == 0, (role, path)
