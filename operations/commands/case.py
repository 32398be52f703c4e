"""`./crm case`: what people ask of us under the Privacy Act, each due in thirty days."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from operations.invocation import AsJson, DataDir, actor, connect, report, settings_for

CaseId = Annotated[str, typer.Argument(metavar="CASE", help="The case's id.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Requests for access and correction.", no_args_is_help=True)
    group.command("open")(open_)
    group.command("list")(list_)
    group.command("check")(check)
    group.command("export")(export)
    group.command("close")(close)
    group.command("reopen")(reopen)
    group.command("correct")(correct)
    app.add_typer(group, name="case")


def open_(
    customer_id: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Whose data it is about.")],
    by: Annotated[
        str, typer.Option("--by", help="Who asks, and how: 'herself, by mail', 'her solicitor'.")
    ],
    correction: Annotated[
        bool, typer.Option("--correction", help="To correct (APP 13) instead of access (APP 12).")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="T", help="When it was received [default: now]."),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Open a case; its thirty days run from when it was received."""
    from operations.commands.backfill import moment
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        case_id = decisions.open_case(
            database, actor(), customer_id,
            kind="correction" if correction else "access", asked_by=by, received_at=moment(since),
        )  # fmt: skip
        due = decisions.case(database, case_id)["due_at"]
    report(
        {"case_id": case_id, "due_at": due},
        as_json=as_json,
        lines=[f"case {case_id}, due on {due:%Y-%m-%d}"],
    )


def check(
    case_id: CaseId,
    how: Annotated[
        str, typer.Option("--how", help="How it was made sure: 'called back', 'licence seen'.")
    ],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Note how it was made sure that whoever asks is who they say, or may ask for them."""
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        decisions.check_identity(database, actor(), case_id, how)
    report({"checked": case_id}, as_json=as_json, lines=[f"case {case_id}: it is known who asks"])


def export(
    case_id: CaseId,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.zip", help="Where to write it.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write everything that is held about the customer of an access request, once it is known who asks."""
    from operations.commands.privacy import export as write
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        found = decisions.granting(database, case_id)
    write(found["customer_id"], out=out, data_dir=data_dir, as_json=as_json)


def close(
    case_id: CaseId,
    granted: Annotated[bool, typer.Option("--granted", help="They have it.")] = False,
    refused: Annotated[bool, typer.Option("--refused", help="Say why with --reason.")] = False,
    withdrawn: Annotated[bool, typer.Option("--withdrawn", help="They ask no more.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="What they are told.")] = "",
    ground: Annotated[
        list[str] | None, typer.Option("--ground", help="Of APP 12.3, a to j; several times.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say how a case ended."""
    from warehouse import decisions
    from warehouse.refusals import Refused

    chosen = [
        outcome
        for outcome, is_meant in zip(decisions.OUTCOMES, (granted, refused, withdrawn), strict=True)
        if is_meant
    ]
    if len(chosen) != 1:
        raise Refused("a case ends --granted, --refused or --withdrawn: say which")
    with connect(settings_for(data_dir)) as database:
        decisions.close_case(
            database, actor(), case_id, outcome=chosen[0], reason=reason, grounds=ground or ()
        )
    report(
        {"closed": case_id, "outcome": chosen[0]},
        as_json=as_json,
        lines=[f"{chosen[0]}: case {case_id}"],
    )


def reopen(case_id: CaseId, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Open a case again that was closed by mistake; its days run on."""
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        decisions.reopen_case(database, actor(), case_id)
    report({"reopened": case_id}, as_json=as_json, lines=[f"case {case_id} is open again"])


def correct(
    what: Annotated[str, typer.Argument(metavar="MESSAGE|CUSTOMER", help="Its id.")],
    field: Annotated[str, typer.Option("--field", help="body or subject of a message; name.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept with the decision.")],
    value: Annotated[str, typer.Option("--value", help="What is shown in its place.")] = "",
    statement: Annotated[
        str, typer.Option("--statement", help="What the person says against it, in their words.")
    ] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show what is right in place of what was written, or a statement beside it; ./crm undo takes it back."""
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        decision_id = decisions.correct(
            database, actor(), what, field=field, reason=reason, value=value, statement=statement
        )
    report({"decision_id": decision_id}, as_json=as_json, lines=[f"decision {decision_id}"])


def list_(
    closed: Annotated[bool, typer.Option("--closed", help="Also those that are closed.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """The open cases, by the day on which they are due."""
    from warehouse import decisions
    from warehouse.events import record

    with connect(settings_for(data_dir)) as database:
        found = decisions.cases(database, closed=closed)
        whose = sorted({each["customer_id"] for each in found})
        record(database, actor().event("case.view", "case", "*", customer_ids=whose))
    now = datetime.now(UTC)
    report(
        {"cases": found},
        as_json=as_json,
        lines=[_told(each, now) for each in found] or ["no case is open"],
    )


def _told(each: dict[str, Any], now: datetime) -> str:
    name = f"{each['name']} ({each['known_by']})" if each["name"] else each["customer_id"]
    if each["closed_at"]:
        end = f"{each['outcome']} on {each['closed_at']:%Y-%m-%d} by {each['closed_by']}"
    else:
        left = (each["due_at"] - now).days
        end = f"due on {each['due_at']:%Y-%m-%d} ({left} days left)" if left >= 0 else "OVERDUE"
    known = "" if each["identity_check"] else "; who asks is not checked yet"
    return f"{each['case_id']}  {each['kind']} of {name}, asked by {each['asked_by']}: {end}{known}"
