"""`./crm hold`: legal holds. While one is open nothing destroys what it covers."""

from __future__ import annotations

from typing import Annotated

import typer

from operations.invocation import AsJson, DataDir, actor, connect, report, settings_for

Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the hold and in the log.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="What must not be destroyed yet.", no_args_is_help=True)
    group.command("add")(add)
    group.command("release")(release)
    group.command("list")(list_)
    app.add_typer(group, name="hold")


def add(
    customer: Annotated[str | None, typer.Option("--customer", metavar="ID")] = None,
    conversation: Annotated[str | None, typer.Option("--conversation", metavar="ID")] = None,
    tag: Annotated[
        str | None, typer.Option("--tag", metavar="NAME", help="Whatever bears this tag.")
    ] = None,
    reason: Reason = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Hold one customer, one conversation, or whatever bears a tag."""
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        hold_id = decisions.place_hold(
            database, actor(),
            customer_id=customer, conversation_id=conversation, tag=tag, reason=reason,
        )  # fmt: skip
    report({"hold_id": hold_id}, as_json=as_json, lines=[f"hold {hold_id}"])


def release(
    hold_id: Annotated[str, typer.Argument(metavar="ID", help="The hold's id.")],
    reason: Reason = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Release a hold: from now on what it covered may be destroyed."""
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        decisions.release_hold(database, actor(), hold_id, reason=reason)
    report({"released": hold_id}, as_json=as_json, lines=[f"hold {hold_id} is released"])


def list_(
    released: Annotated[
        bool, typer.Option("--released", help="Also those that were released.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """The holds that are open, the newest first."""
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        found = decisions.holds(database, released=released)
    report(
        {"holds": found},
        as_json=as_json,
        lines=[
            f"{each['hold_id']}  {each['covers']} {each['named']}"
            + (f" ({each['known_by']})" if each["known_by"] else "")
            + f": {each['reason']}"
            f" (by {each['placed_by']}, {each['placed_at']:%Y-%m-%d}"
            + (
                f"; released by {each['released_by']}: {each['release_reason']})"
                if each["released_at"]
                else ")"
            )
            for each in found
        ]
        or ["no hold is open"],
    )
