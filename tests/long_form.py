"""How long the tests that repeat something are: short in each run, long with `CRM_TEST_LONG=1` (before a release).

The short form proves each rule once; the long one proves it again where chance or time may show more: every benchmark,
a rebuild after every kind of change, more kills, more events in more orders.
"""

from __future__ import annotations

import os

LONG = os.environ.get("CRM_TEST_LONG", "") not in ("", "0")
