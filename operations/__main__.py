"""Entry point: find the commands, run one, turn what it refuses into one line and an exit status."""

from __future__ import annotations

import errno
import importlib
import logging
import os
import sys
from pathlib import Path

import typer
from typer.exceptions import TyperException

from operations import commands
from operations.invocation import Found
from warehouse.refusals import Refused

#: What a place to write to can be besides usable: a file, read-only, somebody else's, full.
PLACE_TROUBLES = (
    errno.EEXIST, errno.ENOTDIR, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT,
)  # fmt: skip


def build() -> typer.Typer:
    """The whole command line: every module of `operations/commands/` that has `register`."""
    app = typer.Typer(
        name="crm",
        help="All correspondence with a customer in one timeline: start it, feed it, look after it.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @app.callback()
    def _keep_commands_named() -> None:
        """A callback keeps Typer from folding a lone command into the program itself."""

    for name in command_modules():
        importlib.import_module(f"operations.commands.{name}").register(app)
    return app


def command_modules() -> list[str]:
    """The modules of the folder that define `register`; the others are not imported at every start."""
    folder = Path(commands.__path__[0])
    return sorted(
        file.stem for file in folder.glob("*.py") if "\ndef register(" in file.read_text()
    )


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
    try:
        result = build()(args=arguments, prog_name="crm", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except Found as found:
        print(f"crm: {found}", file=sys.stderr)
        return 1
    except Refused as refused:
        return _refuse(str(refused))
    except TyperException as error:
        return _refuse(_usage(error))
    except (KeyboardInterrupt, typer.Abort):
        print("crm: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader went away (`| head`): that is no failure of ours, and nothing is left to tell.
        sys.stderr.close()
        return 0
    except Exception as error:
        sentence = _unusable(error)
        if sentence is None:
            raise
        return _refuse(sentence)


def _refuse(sentence: str) -> int:
    # Without a command Typer has shown the help already, and there is nothing to add.
    if not sentence:
        return 2
    print(f"crm: {' '.join(sentence.split())}", file=sys.stderr)
    return 2


def _usage(error: TyperException) -> str:
    """Typer's complaint in one line, with the command whose help explains it."""
    sentence = error.format_message() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "crm"
    return sentence if not sentence else f"{sentence.rstrip('.')} (see: {path} --help)"


def _unusable(error: Exception) -> str | None:
    """The line for errors of the rooms that mean unusable arguments or settings; None for others.

    Imported here and not above, because a good start needs none of it.
    """
    import psycopg
    from cryptography.fernet import InvalidToken
    from pydantic import ValidationError

    from warehouse.connections import UnusableConnection
    from warehouse.decisions.ledger import CROSSING, Crossed
    from warehouse.server_checks import UnusableDatabase
    from warehouse.settings import SettingsError

    if isinstance(error, SettingsError | UnusableConnection | UnusableDatabase):
        return str(error)
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False)[0]
        if not first["loc"]:
            # A rule over several settings names them itself.
            return str(first["msg"]).removeprefix("Value error, ")
        return f"CRM_{'_'.join(str(part) for part in first['loc']).upper()}: {first['msg']}"
    if isinstance(error, OSError) and isinstance(error.filename, str):
        return _unusable_place(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        # Found while it was written to: the system names no place then.
        return f"{error.strerror}: make room where the data folder lies, or give another with --data-dir"
    if isinstance(error, InvalidToken):
        return "CRM_MASTER_KEY is not the key that the connections were stored with"
    if isinstance(error, CROSSING):
        return str(Crossed())
    if isinstance(error, psycopg.OperationalError):
        return f"the warehouse does not answer: {str(error).strip().partition(chr(10))[0]}"
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
        first_line = str(error).strip().partition("\n")[0]
        return f"the warehouse is not migrated: start it once with ./crm up ({first_line})"
    return None


def _unusable_place(error: OSError) -> str | None:
    """The line for a place that cannot be written to, None where a file is missing: that is a fault of ours.

    A data folder that cannot be made at all (`/proc/crm`) is missing, too, and is no fault of ours.
    """
    place, sentence = Path(error.filename), f"{error.filename}: {error.strerror}"
    given = os.environ.get("CRM_DATA_DIR")
    folders = [Path(given), *Path(given).parents] if given else []
    if error.errno not in PLACE_TROUBLES and not (error.errno == errno.ENOENT and place in folders):
        return None
    if given and (place in folders or Path(given) in place.parents):
        return f"{sentence}: give another folder with --data-dir, or make room in this one"
    return sentence


if __name__ == "__main__":
    sys.exit(main())
