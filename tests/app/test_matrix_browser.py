"""Every page for every role by its address, as somebody types it: what a role may not open is not there for them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from app.access.roles import MATRIX, UserRole
from tests.app.browsing import Person
from tests.app.conftest import Correspondence
from tests.app.role_matrix import pages
from tests.long_form import LONG


@pytest.mark.timeout(180)
def test_every_page_for_every_role(person: Person, correspondence: Correspondence) -> None:
    for role in UserRole if LONG else (UserRole.AGENT, UserRole.PRIVACY_OFFICER):
        correspondence.execute(
            "update crm.users set role = %s, second_factor_waived = true where user_name = 'agent'",
            [role.value],
        )
        page = person.sign_in()
        for listed in pages():
            path, is_open = listed.name, listed.needed in MATRIX[role]
            if is_open and not LONG:
                continue
            page.goto(f"{person.address}/{path if path != 'customers' else ''}")
            expect(page.locator(".st-key-account")).to_be_visible()
            unknown = page.get_by_text("Page not found")
            expect(unknown).to_have_count(0 if is_open else 1)
            # It is no link, either.
            if not is_open:
                assert page.locator(f'a[href$="/{path}"]').count() == 0, (role, path)
