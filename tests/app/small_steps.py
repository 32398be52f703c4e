"""Imported by the process that pulls are forked from, in a test: so short a history takes many steps and many jobs."""

from __future__ import annotations

import time
from typing import Any

from pipelines import twilio_sms
from providers.twilio import client
from worker import jobs

client.PAGE_SIZE = 5
twilio_sms.STEP_SECONDS = 0.0
jobs.BUDGET_SECONDS = 1.0

_once = client.Account._once


def _slowly(*arguments: Any, **named: Any) -> Any:
    # As a provider that is far away.
    time.sleep(0.5)
    return _once(*arguments, **named)


client.Account._once = _slowly  # type: ignore[method-assign]
