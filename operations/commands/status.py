"""`./crm status`: what runs on a data folder, and where."""

from __future__ import annotations

from typing import Any

import typer

from operations.invocation import AsJson, DataDir, data_folder, report


def register(app: typer.Typer) -> None:
    app.command("status")(status)


def status(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Say what runs on this data folder: addresses, processes, and which of them fell over."""
    from operations.runtime import running

    folder = data_folder(data_dir)
    state = running.recorded(folder)
    processes = running.living(state)
    if "app" in processes:
        processes |= running.app_processes(processes["app"])
    document = describe(state, processes, supervised=running.is_held(folder))
    document["data_dir"] = str(folder)
    report(document, as_json=as_json, lines=told(document))


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
    return lines
