"""`./crm status`: what runs on a data folder, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from operations.commands.up import parts_lines
from operations.invocation import AsJson, DataDir, connect, data_folder, report, settings_for


def register(app: typer.Typer) -> None:
    app.command("status")(status)


def status(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Say what runs on this data folder: addresses, processes, and which of them fell over."""
    from operations.runtime import running
    from warehouse import run_record

    folder = data_folder(data_dir)
    state = run_record.recorded(folder)
    processes = running.living(state)
    if "app" in processes:
        processes |= running.app_processes(processes["app"])
    document = describe(state, processes, supervised=running.is_held(folder))
    document["data_dir"] = str(folder)
    document["health"] = judged(data_dir) if processes else None
    report(document, as_json=as_json, lines=told(document))


def judged(data_dir: Path | None) -> dict[str, Any] | None:
    """What is wrong, as the page Health says it; None where the warehouse does not answer."""
    import psycopg

    from warehouse import growth, health
    from warehouse.refusals import Refused
    from warehouse.settings import SettingsError

    settings = settings_for(data_dir)
    try:
        disk = growth.disk(settings)
        with connect(settings) as database:
            facts = health.Watch().facts(database, settings.zone, disk=disk)
    except (Refused, SettingsError, psycopg.Error, OSError):
        return None
    findings = health.judge(facts)
    return {
        "state": findings[0].kind if findings else "good",
        "findings": [
            {
                "kind": each.kind,
                "what": each.what,
                "connection_id": each.connection_id or None,
                "sentence": each.sentence,
            }
            for each in findings
        ],
        "forecast": growth.forecast(disk, facts.growth),
        "tables": facts.tables,
    }


def describe(
    state: dict[str, Any], processes: dict[str, int], *, supervised: bool
) -> dict[str, Any]:
    """`{"app_url", "receiver_url", "simulator_url", "processes": {name: pid}}` and what explains it."""
    facts = state.get("facts", {}) if processes or supervised else {}
    supervisor = state.get("supervisor") or {}
    return {
        "app_url": facts.get("app_url"),
        "receiver_url": facts.get("receiver_url"),
        "simulator_url": facts.get("simulator_url"),
        "parts": facts.get("parts"),
        "processes": processes,
        "phase": state.get("phase", "stopped") if supervised else "stopped",
        "supervisor": supervisor.get("pid") if supervised else None,
        "programs": {
            name: {
                "state": program["state"],
                "restarts": program["restarts"],
                "last_exit": program["last_exit"],
                "pause_seconds": program["pause_seconds"],
            }
            for name, program in state.get("programs", {}).items()
        },
    }


def told(document: dict[str, Any]) -> list[str]:
    """The same in lines."""
    processes, supervised = document["processes"], document["supervisor"]
    if not processes and not supervised:
        return [f"nothing runs on {document['data_dir']}"]
    lines = [
        f"{label:<10} {document[key]}"
        for label, key in (
            ("App", "app_url"),
            ("Receiver", "receiver_url"),
            ("Simulator", "simulator_url"),
        )
        if document[key]
    ]
    lines += parts_lines(document)
    lines.append(f"Phase      {document['phase']}")
    if not supervised:
        lines.append(
            "The supervisor is gone; these processes run without it (./crm down stops them):"
        )
    for name, program in document["programs"].items():
        if name not in processes and program["state"] == "done":
            continue
        line = f"  {name:<10} {program['state']:<9} pid {processes.get(name, '-')}"
        if program["restarts"] or program["state"] == "crashed":
            line += f"  restarted {program['restarts']} times, last exit {program['last_exit']}"
        if program["state"] == "crashed":
            line += f", next start after {program['pause_seconds']:g} s"
        lines.append(line)
    lines += [
        f"  {name:<10} {'ready':<9} pid {pid}"
        for name, pid in processes.items()
        if name not in document["programs"]
    ]
    health = document.get("health")
    if health:
        lines.append("Health     nothing is wrong" if not health["findings"] else "Health")
        lines += [f"  {each['kind']:<5} {each['sentence']}" for each in health["findings"]]
        lines.append(f"Room       {health['forecast']}")
    return lines
