"""The command ``qhu emulator``: start, say how to use it, wait."""

import threading
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from qhu.emulator.emulator import Emulator
from qhu.emulator.faults import read_faults
from qhu.emulator.platform import Rules
from qhu.errors import Interrupted, UserError, brief
from qhu.registry.wording import sentence


def serve(
    devices: Sequence[str],
    port: int,
    state: Path | None,
    faults: Path | None,
    settings: Sequence[str],
    console: Console,
) -> None:
    """Run an emulator until it is interrupted.

    Args:
        devices: devices to serve.
        port: port on 127.0.0.1; 0 for a free one.
        state: folder that keeps its jobs; None for memory.
        faults: script of faults.
        settings: rules as ``key=value``.
        console: where to say how to use it.

    Raises:
        Interrupted: always, in the end.
    """
    script = read_faults(faults) if faults else []
    with Emulator(devices, port, state, script, read_rules(settings)) as emulator:
        console.print(f"EMULATED {', '.join(emulator.devices)} at {emulator.url}")
        for name, value in emulator.environment().items():
            console.print(f"export {name}={value}", soft_wrap=True, highlight=False)
        for line in _own_account(emulator.account()):
            console.print(line, soft_wrap=True, highlight=False)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            raise Interrupted("the emulator has stopped") from None


def _own_account(account: dict[str, str]) -> list[str]:
    """What a program has to say that does not leave its account to the variables."""
    arguments = ", ".join(f'{name}="{value}"' for name, value in account.items())
    return [
        "# A program that passes token= goes to the real platform unless it passes url=, too:",
        f"# QiskitRuntimeService({arguments})",
    ]


def read_rules(settings: Sequence[str]) -> Rules:
    """Rules from ``key=value`` texts.

    Raises:
        UserError: an unknown key or a value that it cannot have.
    """
    pairs = dict(item.partition("=")[::2] for item in settings)
    unknown = [key for key in pairs if key not in Rules.__dataclass_fields__]
    if unknown:
        names = ", ".join(Rules.__dataclass_fields__)
        raise UserError(f"the emulator has no rule '{unknown[0]}': known: {names}")
    try:
        return TypeAdapter(Rules).validate_python(pairs)
    except ValidationError as error:
        first = error.errors()[0]
        words = f"{sentence(first['type'], first.get('ctx', {}))} (got {brief(first['input'])})"
        raise UserError(f"rule '{first['loc'][0]}': {words}") from None
