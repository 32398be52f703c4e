"""The command line: `./crm COMMAND`, which is `python -m operations COMMAND`.

A command is a module of `commands/` with `register(app: typer.Typer)`; the entry point finds it by
walking that folder, so a new command is a new file and nothing else. Modules are imported at every
start, so what is heavy is imported inside the function that needs it.

    __main__ -> commands/<command>.py -> invocation (data folder, settings, report)
    up, demo -> runtime/launch -> runtime/supervisor -> runtime/programs
    status, down -> runtime/running (what is recorded in the data folder)
    demo -> demo_data (what the demonstration fills in)
"""
