"""The ``qhu`` command. No logic lives here: arguments in, calls out, errors to exit statuses."""

import sys
import traceback
from typing import Any

import typer

from qhu.cli import devices, experiments, folders, names, pages, studies
from qhu.cli.program import app
from qhu.errors import Interrupted, QhuError, UserError, brief, shortened
from qhu.redaction import redact
from qhu.terminal import lenient_output

for _part in (experiments, studies, pages, folders, names, devices):
    app.add_typer(_part.app)


def main() -> None:
    """Entry point: every mistake becomes one line and its exit status."""
    with lenient_output():
        _run_command()


def _run_command() -> None:
    try:
        sys.exit(app(standalone_mode=False))
    except QhuError as error:
        _fail(str(error), error.exit_code)
    except typer.Abort:
        _fail("stopped", Interrupted.exit_code)
    except OSError as error:
        if error.filename is None:  # not of a path that was given
            raise
        _fail(f"cannot use {error.filename}: {error.strerror}", UserError.exit_code)
    except Exception as error:
        # A usage error; its class is click's or, in newer releases, typer's own copy of it.
        if hasattr(error, "format_message"):
            _fail(_usage(error), UserError.exit_code)
        sys.stderr.write(redact(traceback.format_exc()))  # unexpected: all of it, but no key
        sys.exit(QhuError.exit_code)


def _usage(error: Any) -> str:
    """What is wrong with an argument, in words of our own where typer gives pydantic's."""
    if hasattr(error.__cause__, "errors"):
        from qhu.registry.wording import sentence

        first = error.__cause__.errors()[0]
        words = sentence(first["type"], first.get("ctx", {}))
        error.message = f"{words} (got {brief(first['input'])})"
    return str(error.format_message())


def _fail(message: str, status: int) -> None:
    line = shortened(redact(" ".join(message.split())), 2000)
    # What a terminal would obey, such as a colour in a stranger's file, is written out.
    visible = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
    sys.stderr.write(f"qhu: {visible}\n")
    sys.exit(status)
