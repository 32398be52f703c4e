"""`./crm validate`: what is expected of the data, tried by Great Expectations over raw and marts."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from operations.invocation import AsJson, DataDir, Found, report, say, settings_for
from warehouse.refusals import Refused

Channels = Annotated[
    list[str] | None,
    typer.Option("--channel", help="Only what this channel brings; may be given several times."),
]


def register(app: typer.Typer) -> None:
    app.command("validate")(validate)


def validate(channel: Channels = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Try what is expected of the data, and write Data Docs; 1 where a critical rule does not hold."""
    from quality.starting import NotChecked, look
    from warehouse.channels import registry

    channels = channel or []
    unknown = sorted(set(channels) - set(registry()))
    if unknown:
        raise Refused(f"no channel is called {unknown[0]}: there are {', '.join(registry())}")
    settings = settings_for(data_dir)
    say("looking at the data (some ten seconds)")
    try:
        found = look(settings, "hand", channels)
    except NotChecked as failure:
        raise Found(str(failure)) from failure
    docs = settings.data_dir / "quality" / "docs" / "index.html"
    report(
        {**found.document, "docs": str(docs)},
        as_json=as_json,
        lines=[line for suite in found.suites for line in _lines(suite)] + [f"Data Docs: {docs}"],
    )
    if found.critical:
        raise Found(found.sentence)


def _lines(suite: dict[str, Any]) -> list[str]:
    from quality.starting import said

    wrong = [check for check in suite["checks"] if check["status"] != "pass"]
    state = f"{len(wrong)} of {len(suite['checks'])} rules fail" if wrong else "all is as expected"
    lines = [f"{suite['suite']}: {suite['rows']:,} rows, {state}"]
    return lines + [
        f"  {check['severity']}: {said({'suite': suite['suite'], **check})}" for check in wrong
    ]
