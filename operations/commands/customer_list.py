"""`./crm customer list`, `show`, `rename`, `archive` and `export`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from operations.commands.link import Reason
from operations.commands.merge import CustomerId
from operations.invocation import AsJson, DataDir, actor, connect, report, settings_for
from operations.reading import read
from warehouse.refusals import Refused

if TYPE_CHECKING:
    import psycopg

    from warehouse.events import Event

MOST_DECISIONS, MOST_IDENTITIES = 50, 1_000
#: Phones as `customer import` takes them: a spreadsheet reads a sum of digits, and runs nothing.
NUMBERS = re.compile(r"(\+?[0-9]+(;\+?[0-9]+)*)?")


def add_to(group: typer.Typer) -> None:
    group.command("list")(list_customers)
    group.command("show")(show)
    group.command("rename")(rename)
    group.command("archive")(archive)
    group.command("export")(export)


def list_customers(
    word: Annotated[str, typer.Argument(metavar="[WORD]", help="A part of the name.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000)] = 1_000,
    archived: Annotated[
        bool, typer.Option("--archived", help="Those out of the lists too.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """The customers by name, with their identities and how many messages there are."""
    parameters = {
        "word": _pattern(word), "most": limit, "archived": archived,
    }  # fmt: skip
    rows = _read(
        data_dir, "list_customers", parameters,
        "customer.search", {"query": word[:200].replace("\0", "")},
    )  # fmt: skip
    report(
        {"customers": rows, "count": len(rows)},
        as_json=as_json,
        lines=[
            f"{row['customer_id']}  {row['name']}  ({row['message_count']:,} messages; "
            f"{', '.join(row['identities']) or 'no identity'})"
            for row in rows
        ],
    )


def _pattern(word: str) -> str | None:
    kept = word.replace("\0", "").strip().lower()
    for sign in ("\\", "%", "_"):
        kept = kept.replace(sign, f"\\{sign}")
    return kept or None


def show(customer_id: CustomerId, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """One customer: every identity since when, by whom and why, and what was decided."""
    from warehouse.customer_card import card

    def ask(database: psycopg.Connection[Any]) -> dict[str, Any]:
        found = card(
            database, customer_id, most_decisions=MOST_DECISIONS, most_identities=MOST_IDENTITIES
        )
        if found is None:
            raise Refused(f"there is no customer {customer_id[:100]}")
        return found

    def event(found: dict[str, Any]) -> Event:
        known = found["customer"]["customer_id"]
        shown = [known, *(each["customer_id"] for each in found["merged"])]
        return _event("customer.view", known, shown, {})

    found = read(settings_for(data_dir), ask, event)
    customer = found["customer"]
    gone = f", merged into {customer['merged_into']}" if customer["merged_into"] else ""
    report(
        {**customer, "identities": found["identities"], "merged": found["merged"], "decisions": found["decisions"]},
        as_json=as_json,
        lines=[
            f"{customer['name']} ({customer['customer_id']}){', archived' if customer['archived_at'] else ''}{gone}",
            *(
                f"  {each['identity']}: {each['message_count']:,} messages; linked {each['linked_at']:%Y-%m-%d} "
                f"by {each['linked_by']}: {each['reason']}"
                + (f" (as {each['same_as']})" if each["same_as"] else "")
                for each in found["identities"]
            ),
            *(
                f"  {each['at']:%Y-%m-%d %H:%M} {each['actor']}: {each['action']} {each['reason']}"
                f" [{each['decision_id']}]{' (undone)' if each['undone_at'] else ''}"
                for each in found["decisions"]
            ),
        ],
    )  # fmt: skip


def rename(
    customer_id: CustomerId,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Call a customer otherwise."""
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        decision_id = decisions.rename_customer(database, actor(), customer_id, name)
    report(
        {"customer_id": customer_id, "decision_id": decision_id, "changed": decision_id is not None},
        as_json=as_json,
        lines=[f"customer {customer_id} is {'called so now' if decision_id else 'called so already'}"],
    )  # fmt: skip


def archive(
    customer_id: CustomerId, reason: Reason, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Take a customer without identities out of the lists. Undo brings them back."""
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        decision_id = decisions.archive_customer(database, actor(), customer_id, reason=reason)
    report(
        {"customer_id": customer_id, "decision_id": decision_id},
        as_json=as_json,
        lines=[f"customer {customer_id} is archived"],
    )


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Where to write it.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """All customers in the lists, as `customer import` reads them. A cell that a spreadsheet would run is made text."""
    import csv

    from warehouse.spreadsheet import as_text

    try:
        # Before anything is read: nobody is told to have got what could not be written. What stands there stays so far.
        file.open("a").close()
    except OSError as error:
        raise Refused(f"{file} cannot be written: {error.strerror}") from error
    rows = _read(data_dir, "export_customers", {}, "customer.export", {"file": file.name[:200]})
    with file.open("w", newline="", encoding="utf-8-sig") as opened:
        writer = csv.writer(opened)
        writer.writerow(("name", "phone", "email", "notes"))
        for row in rows:
            of = {
                scheme: ";".join(
                    each.partition(":")[2]
                    for each in row["identities"]
                    if each.startswith(f"{scheme}:")
                )
                for scheme in ("phone", "email")
            }
            phones = of["phone"] if NUMBERS.fullmatch(of["phone"]) else as_text(of["phone"])
            writer.writerow(
                (as_text(row["name"]), phones, as_text(of["email"]), as_text(row["notes"]))
            )
    report(
        {"file": str(file), "customers": len(rows)},
        as_json=as_json,
        lines=[f"{len(rows):,} customers written to {file}"],
    )


def _read(
    data_dir: Any, query: str, parameters: dict[str, Any], action: str, detail: dict[str, Any]
) -> list[dict[str, Any]]:
    """Customers for a command, whose event says who was shown, as a page's does."""
    from psycopg.rows import dict_row

    from warehouse.customer_card import SQL

    def ask(database: psycopg.Connection[Any]) -> list[dict[str, Any]]:
        with database.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(SQL[query], parameters).fetchall()

    def event(rows: list[dict[str, Any]]) -> Event:
        customer_ids = [row["customer_id"] for row in rows]
        return _event(action, "*", customer_ids, {**detail, "count": len(rows)})

    return read(settings_for(data_dir), ask, event)


def _event(action: str, object_id: str, customer_ids: list[str], detail: dict[str, Any]) -> Event:
    return actor().event(action, "customer", object_id, customer_ids=customer_ids, detail=detail)
