"""An open page over a replica that is held back, frozen and back again: it goes on, and shows nothing older."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import BrowserContext, expect

from tests.app.browsing import Person, forget, serving
from tests.app.conftest import Correspondence
from tests.replicas import Standby

SAM = "+61491570156"


def test_an_open_page_goes_on_whatever_becomes_of_the_replica(
    correspondence: Correspondence, standby: Standby, profile: BrowserContext, tmp_path: Path
) -> None:
    correspondence.user("agent")
    customer_id = correspondence.customer("Sam Example", f"phone:{SAM}")
    correspondence.sms(SAM, "hello there", datetime.now(UTC))
    admin_url = correspondence.settings.admin_url
    standby.has_all(admin_url)
    url = standby.url(admin_url.rpartition("/")[2])
    with serving(correspondence.settings, tmp_path, CRM_READ_DATABASE_URL=url) as address:
        try:
            page = Person(profile, address).sign_in(f"/timeline?customer={customer_id}")
            expect(page.get_by_text("hello there")).to_be_visible()
            # It is told when what it reads from has it.
            standby.hold()
            correspondence.sms(SAM, "held back", datetime.now(UTC))
            time.sleep(1.5)
            assert page.get_by_text("held back").count() == 0
            standby.go_on()
            expect(page.get_by_text("held back")).to_be_visible()
            standby.freeze()
            correspondence.sms(SAM, "while it is frozen", datetime.now(UTC))
            expect(page.get_by_text("while it is frozen")).to_be_visible()
            page.reload()
            expect(page.get_by_text("while it is frozen")).to_be_visible()
            standby.thaw()
            correspondence.sms(SAM, "and after", datetime.now(UTC))
            expect(page.get_by_text("and after")).to_be_visible()
            page.close()
        finally:
            standby.thaw()
            standby.go_on()
            forget(profile, address)
