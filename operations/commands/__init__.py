"""One module a command, with `register(app: typer.Typer)`, and what only commands share."""
