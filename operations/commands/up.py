"""`./crm up`: the programs of the product, without sample data."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from operations.invocation import AsJson, DataDir, report, settings_for

PortBase = Annotated[
    int,
    typer.Option(
        "--port-base",
        metavar="N",
        help="App N+1, receiver N+2, simulator N+3, Postgres N+4, readiness N+5.",
    ),
]
UntilReady = Annotated[
    bool, typer.Option("--until-ready", help="Return when everything serves, and leave it running.")
]

WithReload = Annotated[
    bool,
    typer.Option("--reload", help="Start the app again when its files change (work on pages)."),
]
Only = Annotated[
    str | None,
    typer.Option(
        "--only",
        metavar="PARTS",
        help="Some of postgres, receiver, fold, worker and app, with commas; the others run on other hosts, on one "
        "CRM_DATABASE_URL, one CRM_MASTER_KEY and one CRM_MEDIA_URL.",
    ),
]


def register(app: typer.Typer) -> None:
    app.command("up")(up)


def up(
    data_dir: DataDir = None,
    port_base: PortBase = 8500,
    until_ready: UntilReady = False,
    reload: WithReload = False,
    only: Only = None,
    as_json: AsJson = False,
) -> None:
    """Start receiver, worker, refresh and app, on an embedded Postgres unless CRM_DATABASE_URL is set."""
    from operations.runtime import running
    from operations.runtime.launch import interruptible, launch, run_until_stopped, serves
    from operations.runtime.shared import parts_of

    settings = settings_for(data_dir)
    parts = parts_of(only, settings)
    interruptible()
    started, is_new = launch(
        settings,
        port_base=port_base,
        demo=False,
        messages=0,
        stays=until_ready,
        reload=reload,
        parts=parts,
    )
    try:
        state = started.wait_for(serves) if is_new or until_ready else started.state()
    except KeyboardInterrupt:
        if is_new and started.is_ours:
            running.stop(settings.data_dir)
        raise
    is_new = is_new and started.is_ours
    report(addresses(state), as_json=as_json, lines=address_lines(state, is_new))
    if is_new and not until_ready:
        run_until_stopped(started)


def addresses(state: dict[str, Any]) -> dict[str, Any]:
    """The URLs of a record, and which parts run here."""
    facts = state.get("facts", {})
    return {
        key: facts.get(key)
        for key in ("app_url", "receiver_url", "simulator_url", "public_url", "parts")
    }


def address_lines(state: dict[str, Any], is_new: bool) -> list[str]:
    """The same for people."""
    facts = state.get("facts", {})
    lines = [] if is_new else ["It runs already on this data folder."]
    for label, key in (("App", "app_url"), ("Receiver", "receiver_url")):
        if facts.get(key):
            lines.append(f"{label:<10} {facts[key]}")
    if facts.get("public_url") and facts["public_url"] != facts.get("receiver_url"):
        lines.append(f"Providers  {facts['public_url']}")
    if facts.get("simulator_url"):
        lines.append(f"Simulator  {facts['simulator_url']}")
    lines += parts_lines(facts)
    return lines


def parts_lines(facts: dict[str, Any]) -> list[str]:
    """Which parts run here, where that is not all of them."""
    from operations.runtime.programs import PARTS

    here = facts.get("parts") or []
    elsewhere = [name for name in PARTS if name not in here]
    # A database that was given is nothing to say: that is how most run.
    if not here or not set(elsewhere) - {"postgres"}:
        return []
    return [f"Here       {', '.join(here)}", f"Elsewhere  {', '.join(elsewhere)}"]
