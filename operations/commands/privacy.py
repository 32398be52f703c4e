"""`./crm privacy`: destroy one customer's data for good, and do it again after a restore."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from operations.invocation import AsJson, DataDir, actor, connect, report, say, settings_for
from warehouse.refusals import Refused

if TYPE_CHECKING:
    from privacy.destruction import Found
    from warehouse.settings import Settings


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="What the Privacy Act asks of us.", no_args_is_help=True)
    group.command("destroy")(destroy)
    group.command("export")(export)
    group.command("sweep")(sweep)
    group.command("reapply")(reapply)
    group.command("breach")(breach)
    group.command("registers")(registers)
    group.command("notice")(notice)
    app.add_typer(group, name="privacy")


def destroy(
    customer_id: Annotated[
        str,
        typer.Argument(metavar="CUSTOMER", help="The customer's id, as lists and pages show it."),
    ],
    reason: Annotated[
        str,
        typer.Option("--reason", help="Why; kept in the certificate, so without name or address."),
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without this it is only told what would go.")
    ] = False,
    with_shared: Annotated[
        bool,
        typer.Option(
            "--with-shared",
            help="Also messages in which another customer stands; otherwise those stay, and are counted.",
        ),
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Destroy everything of a customer: messages, files, decisions, raw. Nothing brings it back."""
    from dataclasses import asdict

    from privacy import destruction
    from privacy.holds import refuse_held

    settings = settings_for(data_dir)
    if not yes:
        with destruction.destroying(settings) as database:
            found = destruction.find(database, customer_id, with_shared=with_shared)
            refuse_held(database, found.subject.customers, found.subject.objects)
        report(
            {"destroyed": False, **found.told()},
            as_json=as_json,
            lines=[
                f"would destroy {found.messages} messages of {', '.join(found.names)}: "
                + (
                    ", ".join(f"{count} {channel}" for channel, count in found.by_channel.items())
                    or "none"
                ),
                *_of_shared(found),
                "nothing was destroyed: say so with --yes",
            ],
        )
        return
    certificate = destruction.destroy(
        settings, actor(), customer_id, reason, with_shared=with_shared
    )
    report(
        {"destroyed": True, "certificate": asdict(certificate)},
        as_json=as_json,
        lines=[
            f"certificate {certificate.certificate_id}",
            f"destroyed at {certificate.destroyed_at} by {certificate.destroyed_by}: {certificate.reason}",
            *(f"  {name}: {count}" for name, count in sorted(certificate.counts.items())),
            f"hash {certificate.hash}",
        ],
    )


def _of_shared(found: Found) -> list[str]:
    if not found.shared:
        return []
    verb = "go too" if found.with_shared else "stay (--with-shared takes them too)"
    return [f"{found.shared} messages are another customer's as well: they {verb}"]


def sweep(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Take out of raw what came again of what was destroyed. The worker does it every minute."""
    from privacy.sweep import sweep as swept

    count = swept(settings_for(data_dir), folding=True)
    report({"raw_rows": count}, as_json=as_json, lines=[f"{count} rows of raw were taken out"])


def export(
    customer_id: Annotated[
        str,
        typer.Argument(metavar="CUSTOMER", help="The customer's id, as lists and pages show it."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.zip", help="Where to write it.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Everything that is held about a customer, for the customer: JSON, CSV, a page to read, and the files."""
    from dataclasses import asdict

    from rich.console import Console
    from rich.progress import Progress

    from privacy import access_export

    target = out.expanduser().resolve()
    with Progress(console=Console(stderr=True), disable=as_json) as bar:
        task = bar.add_task("messages", total=None)

        def told(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of)

        done = access_export.export(settings_for(data_dir), actor(), customer_id, target, told)
    report(
        {"file": str(target), **asdict(done)},
        as_json=as_json,
        lines=[
            f"{target}: {done.messages} messages, {done.files} files",
            *(f"not included: {left['file'] or 'a file'}: {left['why']}" for left in done.left_out),
            f"in {done.redacted} messages other people's addresses were replaced; read it before it is handed over",
        ],
    )


def reapply(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """After a restore: destroy again what was destroyed since the backup, from the list in the data folder."""
    from privacy.reapply import reapply as again

    done = again(settings_for(data_dir), actor())
    report(
        {"certificates": done},
        as_json=as_json,
        lines=[f"destroyed again: certificate {each}" for each in done]
        or ["nothing is to be done again"],
    )


def breach(
    user: Annotated[
        str, typer.Option("--user", metavar="NAME", help="The account, as in the log.")
    ],
    since: Annotated[str, typer.Option("--since", metavar="T", help="ISO 8601; from here on.")],
    until: Annotated[str, typer.Option("--until", metavar="T", help="ISO 8601; up to here.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Whom an account saw between two moments, by the log."""
    from operations.commands.backfill import moment
    from privacy.breach import record_question, seen_by

    start, end = moment(since), moment(until, "--until")
    assert start is not None
    assert end is not None
    with connect(settings_for(data_dir)) as database:
        found = seen_by(database, user, start, end)
        record_question(database, actor(), user, start, end, len(found))
    report(
        {"user": user, "since": start, "until": end, "people": found},
        as_json=as_json,
        lines=[
            f"{each['first_at']:%Y-%m-%d %H:%M}  {each['times']}×  "
            + (
                f"{each['customer_id']} {each['name'] or ''}"
                if each["customer_id"]
                else f"{each['object_type']} {each['object_id']}"
            )
            for each in found
        ]
        or [f"by the log {user} saw nobody"],
    )


def registers(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """What is kept about people and why, whom our programs call, and what people were told: for the privacy policy."""
    from dataclasses import asdict

    from privacy import register
    from warehouse.decisions.collecting import notices, told_nothing

    with connect(settings_for(data_dir)) as database:
        told = notices(database)
        untold = told_nothing(database)
    kept = [asdict(each) for each in register.data_map()]
    called = [asdict(each) for each in register.hosts()]
    report(
        {"data_map": kept, "hosts": called, "notices": told, "told_nothing": untold},
        as_json=as_json,
        lines=[
            *(f"{each['relation']}: {', '.join(each['columns'])}: {each['purpose']}" for each in kept),
            *(f"{each['host']}: {each['whose']}, {each['country']}: {each['why']}" for each in called),
            *(f"{each['channel']}, notice {each['version']} from {each['begins_at']:%Y-%m-%d} on" for each in told),
            *(f"{each['channel']}: {each['people']} people wrote while no notice was in force" for each in untold),
        ],
    )  # fmt: skip


def notice(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="As lists name it.")],
    file: Annotated[Path, typer.Option("--file", metavar="FILE.txt", help="What people are told.")],
    since: Annotated[
        str | None, typer.Option("--since", metavar="T", help="From this day on [default: now].")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Note what people of a channel are told when their information is collected (APP 5). Former versions stay."""
    from operations.commands.backfill import moment
    from warehouse import decisions

    try:
        words = file.expanduser().read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"--file {file}: it cannot be read ({type(error).__name__})") from error
    with connect(settings_for(data_dir)) as database:
        version = decisions.make_notice(database, actor(), channel, words, begins_at=moment(since))
    report(
        {"channel": channel, "version": version},
        as_json=as_json,
        lines=[f"{channel}: notice {version}"],
    )


def sweep_after(settings: Settings) -> None:
    """At the end of a command that brings rows into raw. What fails is done by the worker within a minute."""
    import psycopg

    from privacy.sweep import sweep as swept

    try:
        if count := swept(settings, folding=True):
            say(f"{count} rows of what was destroyed before came again, and were taken out")
    except (psycopg.Error, Refused) as failure:
        say(f"what was destroyed before is swept by the worker ({type(failure).__name__})")
