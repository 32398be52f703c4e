"""`./crm connection`: one account on one channel, its keys and its webhook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from operations.commands.connection_store import existing, insert, record_event
from operations.invocation import (
    AsJson,
    DataDir,
    Found,
    connect,
    public_url,
    report,
    say,
    settings_for,
)
from warehouse.refusals import Refused

if TYPE_CHECKING:
    from warehouse.settings import Settings

Id = Annotated[str, typer.Argument(metavar="ID", help="The connection's id.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One key; repeatable.")
]
SetFile = Annotated[
    list[str] | None,
    typer.Option(
        "--set-file", metavar="KEY=PATH", help="One key, its value read from a file; repeatable."
    ),
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Accounts at providers: keys and webhooks.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(list_connections)
    group.command("test")(call_provider)
    group.command("disable")(disable)
    group.command("enable")(enable)
    group.command("pause")(pause)
    group.command("resume")(resume)
    group.command("rename")(rename)
    group.command("remove")(remove)
    group.command("rotate")(rotate)
    group.command("configure-webhook")(configure_webhook)
    group.command("request-history")(request_history)
    app.add_typer(group, name="connection")


def add(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="Slug of the channel.")],
    name: Annotated[str, typer.Option("--name", help="What people call this account.")],
    set_values: Set = None,
    set_files: SetFile = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Connect an account and print its webhook URL and verify token, and what is to be done at the provider."""
    from providers.registration import provider_of
    from warehouse.connection_requests import check_name

    settings = settings_for(data_dir)
    base = public_url(settings)
    values = given_values(set_values, set_files)
    name = check_name(name)
    with connect(settings) as database:
        document: dict[str, Any] = {**insert(database, settings, channel, name, values, base)}
        made = existing(database, settings, document["connection_id"])
        document["advice"] = provider_of(made).advice(made, document["webhook_url"])
    ask_for_pull(settings, document["connection_id"], watch="pubsub_topic" in values)
    report(
        document,
        as_json=as_json,
        lines=[
            f"Connection    {document['connection_id']}",
            f"Webhook URL   {document['webhook_url']}",
            f"Verify token  {document['verify_token']}",
            *(f"To know       {each}" for each in document["advice"]),
        ],
    )


def ask_for_pull(settings: Settings, connection_id: str, *, watch: bool) -> None:
    """Have the worker pull the connection now, and start its watch where there is a topic for it."""
    from worker.asking import request_pull

    request_pull(settings, connection_id, watch=watch)


def given_values(set_values: list[str] | None, set_files: list[str] | None) -> dict[str, str]:
    """The keys of `--set` and `--set-file`.

    Raises:
        Refused: one is not KEY=VALUE, is given twice, or names a file that cannot be read as text.
    """
    values: dict[str, str] = {}
    for option, written in [("--set", each) for each in set_values or []] + [
        ("--set-file", each) for each in set_files or []
    ]:
        key, separator, value = written.partition("=")
        key = key.strip()
        if not separator or not key:
            # What stands there may be a secret whose key was forgotten, so it is not repeated.
            raise Refused(f"{option} takes KEY={'PATH' if option == '--set-file' else 'VALUE'}")
        if key in values:
            raise Refused(f"{key} is given twice")
        if option == "--set-file":
            try:
                value = Path(value).expanduser().read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is not text"
                raise Refused(f"--set-file {key}: {value} cannot be read: {reason}") from error
        if "\0" in value:
            raise Refused(f"{key} contains a NUL character")
        values[key] = value
    return values


def list_connections(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List connections with the health of their pulls; no secret is shown."""
    from psycopg.rows import dict_row

    from warehouse.queries import queries

    settings = settings_for(data_dir)
    with connect(settings) as database:
        rows = database.cursor(row_factory=dict_row).execute(
            queries("operations")["list_connections"]
        )
        listed = [
            {
                key: value.isoformat() if hasattr(value, "isoformat") else value
                for key, value in row.items()
            }
            for row in rows
        ]
    for each in listed:
        each["webhook_url"] = (
            f"{public_url(settings)}/webhooks/{each['channel']}/{each['connection_id']}"
            if settings.public_url
            else None
        )
    lines = []
    for each in listed:
        state = "disabled" if each["disabled_at"] else each["error"] or "no trouble"
        lines.append(f"{each['connection_id']}  {each['channel']:<12} {each['name']:<24} {state}")
    report(
        {"connections": listed}, as_json=as_json, lines=lines or ["there are no connections yet"]
    )


def call_provider(connection_id: Id, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Call the provider with the stored keys. Exit status 1 when it refuses."""
    from providers.failures import ProviderFailed
    from providers.registration import provider_of

    settings = settings_for(data_dir)
    with connect(settings) as database:
        opened = existing(database, settings, connection_id)
        record_event(database, "connection.test", opened, {})
    try:
        sentence, good = provider_of(opened).check(opened), True
    except ProviderFailed as refused:
        sentence, good = str(refused), False
    document = {
        "connection_id": connection_id,
        "channel": opened.channel,
        "ok": good,
        "detail": sentence,
    }
    report(document, as_json=as_json, lines=[sentence] if good else [])
    if not good:
        raise Found(sentence)


def disable(connection_id: Id, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Stop pulling. What the provider pushes still lands: nothing received is dropped."""
    _set_disabled(connection_id, data_dir, as_json, disabled=True)


def enable(connection_id: Id, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Pull again."""
    _set_disabled(connection_id, data_dir, as_json, disabled=False)


def _set_disabled(
    connection_id: str, data_dir: Path | None, as_json: bool, *, disabled: bool
) -> None:
    from warehouse import connections

    settings = settings_for(data_dir)
    with connect(settings) as database:
        opened = existing(database, settings, connection_id)
        connections.set_disabled(database, connection_id, disabled=disabled)
        record_event(database, f"connection.{'disable' if disabled else 'enable'}", opened, {})
    if not disabled:
        ask_for_pull(settings, connection_id, watch=opened.value("pubsub_topic") is not None)
    word = "disabled; deliveries still land" if disabled else "enabled"
    report(
        {"connection_id": connection_id, "disabled": disabled},
        as_json=as_json,
        lines=[f"{opened.name} is {word}"],
    )


def pause(connection_id: Id, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Let pulls rest, a history's too. What the provider pushes still lands."""
    _set_paused(connection_id, data_dir, as_json, paused=True)


def resume(connection_id: Id, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Pull again, from where it was paused."""
    _set_paused(connection_id, data_dir, as_json, paused=False)


def _set_paused(connection_id: str, data_dir: Path | None, as_json: bool, *, paused: bool) -> None:
    from warehouse import connections

    settings = settings_for(data_dir)
    with connect(settings) as database:
        opened = existing(database, settings, connection_id)
        connections.set_paused(database, connection_id, paused=paused)
        record_event(database, f"connection.{'pause' if paused else 'resume'}", opened, {})
    if not paused:
        ask_for_pull(settings, connection_id, watch=False)
    report(
        {"connection_id": connection_id, "paused": paused},
        as_json=as_json,
        lines=[
            f"{opened.name} is {'paused; what is pushed still lands' if paused else 'pulled again'}"
        ],
    )


def rename(
    connection_id: Id,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people call this account.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Call a connection otherwise."""
    from warehouse import connections
    from warehouse.connection_requests import check_name

    settings, name = settings_for(data_dir), check_name(name)
    with connect(settings) as database:
        opened = existing(database, settings, connection_id)
        connections.rename(database, connection_id, name)
        record_event(database, "connection.rename", opened, {"name": name})
    report(
        {"connection_id": connection_id, "name": name},
        as_json=as_json,
        lines=[f"{opened.name} is called {name}"],
    )


def remove(connection_id: Id, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Forget a connection's keys. What it received stays; its webhook answers 404 from then on."""
    from warehouse import connections

    settings = settings_for(data_dir)
    with connect(settings) as database:
        opened = existing(database, settings, connection_id)
        connections.remove(database, connection_id)
        record_event(database, "connection.remove", opened, {"name": opened.name})
    report(
        {"connection_id": connection_id, "removed": True},
        as_json=as_json,
        lines=[f"{opened.name} is removed; take our address away at the provider"],
    )


def rotate(
    connection_id: Id,
    set_values: Set = None,
    set_files: SetFile = None,
    drop_old: Annotated[
        bool,
        typer.Option(
            "--drop-old", help="Forget older signing secrets: the provider has changed over."
        ),
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give new secrets. A secret that signs is put before the old one, and both verify until --drop-old."""
    from warehouse import connections

    settings = settings_for(data_dir)
    values = given_values(set_values, set_files)
    if not values:
        raise Refused("nothing to rotate: give --set KEY=VALUE")
    with connect(settings) as database:
        opened = existing(database, settings, connection_id)
        kept = connections.rotated(settings, opened, values, drop_old=drop_old)
        connections.replace(database, settings, kept)
        record_event(
            database, "connection.rotate", opened, {"keys": sorted(values), "drop_old": drop_old}
        )
    counts = {key: len((kept.value(key) or "").split(",")) for key in sorted(values)}
    report(
        {"connection_id": connection_id, "rotated": counts},
        as_json=as_json,
        lines=[f"{key}: replaced; values that count now: {count}" for key, count in counts.items()],
    )


def configure_webhook(
    connection_id: Id,
    show_only: Annotated[
        bool, typer.Option("--show-only", help="Show what is registered now, change nothing.")
    ] = False,
    take_over: Annotated[
        bool,
        typer.Option(
            "--take-over", help="Replace another program's address: it is not told any more."
        ),
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show what the provider calls now, then register our URL there.

    Another program's address is not replaced without --take-over, and a number's voice URL never.
    """
    from providers.failures import ProviderFailed
    from providers.registration import provider_of
    from warehouse.connections import webhook_path

    settings = settings_for(data_dir)
    with connect(settings) as database:
        opened = existing(database, settings, connection_id)
        url = public_url(settings) + webhook_path(opened)
        provider = provider_of(opened)
        try:
            before = provider.present(opened)
            for line in _registered("now", before):
                say(line)
            after = before if show_only else provider.configure(opened, url, take_over=take_over)
        except ProviderFailed as refused:
            raise Found(str(refused)) from refused
        if not show_only:
            record_event(
                database,
                "connection.configure_webhook",
                opened,
                {"before": before, "after": after, "take_over": take_over},
            )
    report(
        {"connection_id": connection_id, "webhook_url": url, "before": before, "after": after},
        as_json=as_json,
        lines=[] if show_only else _registered("set", after),
    )


def request_history(connection_id: Id, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Ask WhatsApp for the chats of a number that the business app used before; they come by webhook.

    WhatsApp gives contacts and chats once each, and only within 24 hours of the number's onboarding: point its
    webhook to us first. Exit status 1 when one is refused.
    """
    from providers.failures import ProviderFailed
    from providers.registration import provider_of

    settings = settings_for(data_dir)
    with connect(settings) as database:
        opened = existing(database, settings, connection_id)
        ask = getattr(provider_of(opened), "request_history", None)
        if ask is None:
            raise Refused(f"{opened.channel}: its history is pulled; there is nothing to ask for")
        try:
            asked = ask(opened)
        except ProviderFailed as refused:
            raise Found(str(refused)) from refused
        record_event(database, "connection.request_history", opened, {"asked": asked})
    refused_ones = [str(each["refused"]) for each in asked if "refused" in each]
    report(
        {"connection_id": connection_id, "asked": asked},
        as_json=as_json,
        lines=_registered("asked", asked),
    )
    if refused_ones:
        raise Found("; ".join(dict.fromkeys(refused_ones)))


def _registered(word: str, objects: list[dict[str, Any]]) -> list[str]:
    return [
        f"{word}  {each['object']}  {key} = {value or '(empty)'}"
        for each in objects
        for key, value in each.items()
        if key != "object"
    ]
