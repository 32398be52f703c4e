"""`./crm demo`: the whole product with simulated providers, on this machine alone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from operations.commands.up import PortBase, UntilReady, WithReload, addresses
from operations.invocation import AsJson, DataDir, Found, report, settings_for

if TYPE_CHECKING:
    from operations.runtime.launch import Launch


def register(app: typer.Typer) -> None:
    app.command("demo")(demo)


def demo(
    data_dir: DataDir = None,
    port_base: PortBase = 8500,
    until_ready: UntilReady = False,
    messages: Annotated[
        int, typer.Option("--messages", metavar="N", min=1, help="Size of the simulated histories.")
    ] = 2000,
    reload: WithReload = False,
    as_json: AsJson = False,
) -> None:
    """Start everything with simulated providers, an invented shop's history and live messages."""
    from operations.runtime import running
    from operations.runtime.launch import interruptible, launch, run_until_stopped

    settings = settings_for(data_dir)
    interruptible()
    started, is_new = launch(
        settings,
        port_base=port_base,
        demo=True,
        messages=messages,
        stays=until_ready,
        reload=reload,
    )
    is_filled = False
    try:
        document = _fill(started, is_new)
        is_filled = True
    finally:
        # Whatever ended it: half a demonstration would only puzzle. The logs stay.
        if not is_filled and is_new and started.is_ours:
            running.stop(settings.data_dir)
    is_new = is_new and started.is_ours
    report(document, as_json=as_json, lines=summary(document, is_new))
    if is_new and not until_ready:
        run_until_stopped(started)


def _fill(started: Launch, is_new: bool) -> dict[str, Any]:
    """Wait for what is needed, fill it, wait for the rest; what the command reports."""
    from operations import demo_data
    from operations.runtime.launch import serves

    state = started.wait_for(_can_be_filled)
    if not state["facts"]["demo"]:
        raise Found(
            "this data folder runs ./crm up already: stop it with ./crm down, or give another --data-dir"
        )
    settings = started.settings
    settings.public_url = state["facts"]["public_url"]
    if is_new and started.is_ours:
        pulled = demo_data.fill(settings, state["facts"]["simulator_url"])
        state = started.wait_for(serves)
        demo_data.wait_for_history(settings, pulled)
    else:
        state = started.wait_for(serves)
    users = demo_data.kept_users(settings.data_dir)
    return {**addresses(state), "data_dir": str(settings.data_dir), "users": users}


def _can_be_filled(state: dict[str, Any]) -> bool:
    if not state.get("facts", {}).get("demo"):
        return bool(state.get("facts"))
    states = {name: program["state"] for name, program in state["programs"].items()}
    return bool(
        states["histories"] == "done" and states["receiver"] == states["simulator"] == "ready"
    )


def summary(document: dict[str, Any], is_new: bool) -> list[str]:
    """What a newcomer needs: where to look, how to sign in, what to try."""
    from rich.console import Console, Group
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    urls = Table.grid(padding=(0, 2))
    for label, key in (
        ("App", "app_url"),
        ("Receiver", "receiver_url"),
        ("Simulator", "simulator_url"),
    ):
        urls.add_row(label, Text(str(document[key]), style="bold"))
    users = Table(title="Sign in as", title_justify="left", box=None, pad_edge=False)
    for column in ("role", "user name", "password"):
        users.add_column(column, no_wrap=True)
    for user in document["users"]:
        users.add_row(user["role"], user["user_name"], user["password"])
    simulator = document["simulator_url"]
    tries = Text(
        "Open Mai Tran's timeline: six channels in one list. A new message comes in every few seconds.\n"
        "Look into Unassigned: those who wrote and are nobody yet.\n"
        "Let somebody write:\n"
        f"  curl -X POST {simulator}/simulator/messages -H 'content-type: application/json' \\\n"
        '    -d \'{"channel": "twilio_sms", "person": "Mai Tran", "body": "Is my order ready?"}\''
    )
    title = "The demonstration runs" if is_new else "The demonstration runs already"
    console = Console(width=None if sys.stdout.isatty() else 110)
    with console.capture() as captured:
        console.print(Panel(Group(urls, "", users, "", tries), title=title, title_align="left"))
    return captured.get().splitlines()
