"""The command line: `./crm COMMAND`, which is `python -m operations COMMAND`.

A command is a module of this package with `register(app: typer.Typer)`; the entry point finds it by
walking the folder, so a new command is a new file and nothing else. Modules are imported at every
start, so what is heavy is imported inside the function that needs it.

    __main__ -> <command>.py -> invocation (data folder, settings, report)
    up, demo -> launch -> supervisor -> programs
    status, down -> running (what is recorded in the data folder)
"""
