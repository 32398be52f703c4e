"""`./crm retention`: how long what is kept, what is due, and taking it away by two people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from operations.invocation import AsJson, DataDir, actor, connect, report, settings_for

if TYPE_CHECKING:
    from warehouse.decisions.retaining import Due

ClassId = Annotated[
    str, typer.Argument(metavar="CLASS", help="The class, as the preview names it.")
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="How long what is kept, and why.", no_args_is_help=True)
    group.command("preview")(preview)
    group.command("set")(set_)
    group.command("approve")(approve)
    group.command("apply")(apply)
    app.add_typer(group, name="retention")


def preview(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """What each class would take now: how much, of whom, from when to when. Nothing is changed."""
    from dataclasses import asdict

    from privacy.destruction import destroying
    from warehouse.decisions.retaining import preview_retention

    with destroying(settings_for(data_dir)) as database:
        found = preview_retention(database)
    report(
        {"classes": [asdict(each) for each in found]},
        as_json=as_json,
        lines=[line for each in found for line in _told(each)],
    )


def _told(each: Due) -> list[str]:
    approval = (
        f"approved by {each.approved_by}" + (", every night" if each.is_standing else "")
        if each.is_approved
        else "not approved"
    )
    lines = [
        f"{each.class_id}: {each.covers} for {each.keep}, then {each.action} ({approval})",
        f"  why: {each.reason}",
    ]
    if each.due:
        of_whom = f" of {each.people} people, {each.customers} customers" if each.people else ""
        lines.append(
            f"  due: {each.due}{of_whom}, from {each.oldest:%Y-%m-%d} to {each.newest:%Y-%m-%d}"
        )
    else:
        lines.append("  due: nothing")
    if each.held:
        lines.append(f"  held: {each.held}, which stay until their hold is released")
    return lines


def set_(
    class_id: ClassId,
    keep: Annotated[str, typer.Option("--keep", help="How long: '7 years', '18 months'.")],
    reason: Annotated[str, typer.Option("--reason", help="Why so long; kept with the class.")],
    basis: Annotated[str, typer.Option("--basis", help="The purpose or law that asks for it.")],
    covers: Annotated[
        str, typer.Option("--covers", help="messages, recordings or events.")
    ] = "messages",
    channel: Annotated[list[str] | None, typer.Option("--channel", help="Only these.")] = None,
    kind: Annotated[list[str] | None, typer.Option("--kind", help="Only these.")] = None,
    tag: Annotated[str | None, typer.Option("--tag", help="Only what bears it.")] = None,
    from_last: Annotated[
        bool, typer.Option("--from-last", help="Counted from the last message of the conversation.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make or change a class. Another person approves it before anything goes."""
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        version = decisions.set_class(
            database, actor(), class_id,
            covers=covers, keep=keep, basis=basis, reason=reason, channels=channel or (),
            kinds=kind or (), tag=tag, counted_from="last_in_conversation" if from_last else "sent",
        )  # fmt: skip
    report(
        {"class_id": class_id, "version": version},
        as_json=as_json,
        lines=[f"{class_id}, version {version}: another person approves it"],
    )


def approve(
    class_id: ClassId,
    standing: Annotated[
        bool, typer.Option("--standing", help="The nightly job applies it until it is changed.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Approve a class as it stands; whoever applies it is somebody else."""
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        version = decisions.approve_class(database, actor(), class_id, standing=standing)
    report(
        {"class_id": class_id, "version": version, "standing": standing},
        as_json=as_json,
        lines=[f"{class_id}, version {version}, is approved"],
    )


def apply(class_id: ClassId, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Take away what is due of a class, for good. Holds keep theirs; certificates are printed."""
    from dataclasses import asdict

    from rich.console import Console
    from rich.progress import Progress

    from privacy import retention

    with Progress(console=Console(stderr=True), disable=as_json) as bar:
        task = bar.add_task(f"{class_id}", total=None)

        def told(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of)

        made = retention.apply(settings_for(data_dir), actor(), class_id, told)
    certificates: list[dict[str, Any]] = [asdict(each) for each in made]
    report(
        {"certificates": certificates},
        as_json=as_json,
        lines=[
            f"certificate {each['certificate_id']}: "
            + ", ".join(f"{count} {name}" for name, count in each["counts"].items())
            for each in certificates
        ]
        or ["nothing was due"],
    )
