"""From `--emulator` to how the platform is reached: not at all redirected, or to this machine."""

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.prompt import Confirm

from qhu.errors import UserError
from qhu.hardware.access import LEDGERS, Access, loopback, redirected
from qhu.hardware.identifiers import variable
from qhu.layout.snapshots import fake_name, has_snapshot
from qhu.settings.parts import Stages
from qhu.terminal import say

if TYPE_CHECKING:  # seconds to import
    from qhu.grid.plan import Plan

DEVICES = ("fake_fez", "fake_marrakesh", "fake_kingston")
"""What the emulator serves where the device is to be chosen."""
FREE = 1e6
"""Seconds of emulated device time: a rehearsal does not run out."""


@contextlib.contextmanager
def reach(
    emulator: str | None,
    budget: float | None,
    stages: Stages | None,
    least_success: float | None = None,
) -> Iterator[Access]:
    """How the platform is reached while the block lasts.

    Args:
        emulator: ``auto`` starts one, with its state beside the ledger; an address uses one that
            listens on this machine, with token and instance from ``QISKIT_IBM_TOKEN`` and
            ``QISKIT_IBM_INSTANCE`` where set; None: the platform itself.
        budget: seconds that may be used, None for the backend's own ``max_qpu_seconds``.
        stages: the backends that are asked for; None: no run is, only the platform.
        least_success: part of the executions that must be expected to be without error, None for
            the backend's own.

    Raises:
        UserError: the client is redirected though nobody asked for that, the address is not on
            this machine, no snapshot of a device ships, or no device is asked for at all.
    """
    _refuse_unused(stages, emulator=emulator, max_qpu_seconds=budget, least_success=least_success)
    if emulator is None:
        access = Access(budget=budget, least_success=least_success)
        with redirected(access):
            yield access
        return
    spend = budget, least_success
    from qhu.emulator import Emulator  # seconds to import
    from qhu.emulator.platform import Rules

    with contextlib.ExitStack() as stack:
        if emulator == "auto":
            named = _snapshots(dict.fromkeys(stages.model_dump().values() if stages else ()))
            rules = Rules(usage_limit=FREE, queue_seconds=0)
            state = LEDGERS / "emulator"
            started = stack.enter_context(Emulator(named or DEVICES, state=state, rules=rules))
            access = Access(started.url, started.token, started.instance, *spend)
        else:
            token = variable("QISKIT_IBM_TOKEN") or Emulator.token
            instance = variable("QISKIT_IBM_INSTANCE") or Emulator.instance
            access = Access(loopback(emulator), token, instance, *spend)
        stack.enter_context(redirected(access))
        yield access


def _refuse_unused(stages: Stages | None, **means: str | float | None) -> None:
    """Refuse means of devices for a run that asks none."""
    given = [name for name, value in means.items() if value is not None]
    if stages is None or not given:
        return
    from qhu.backends.named import device_of  # seconds to import

    if not any(map(device_of, stages.model_dump().values())):
        raise UserError(
            f"{given[0]} is for runs on devices, and every stage is on this machine: leave it out, "
            "or give a --backend that is a device"
        )


def _snapshots(backends: Iterable[str]) -> list[str]:
    """What to emulate for backends: the snapshots of the devices that they name."""
    from qhu.backends.named import device_of  # seconds to import
    from qhu.hardware.choose import AUTO

    devices = []
    for backend in backends:
        device = device_of(backend)
        if device is None or device == AUTO:
            continue
        if not has_snapshot(device):
            entry = "" if device == backend else f" of backend '{backend}'"
            raise UserError(
                f"no snapshot of device '{device}'{entry} ships, so it cannot be rehearsed: give "
                "the entry a `device`, or one that has a snapshot, such as ibm_fez"
            )
        devices.append(fake_name(device))
    return list(dict.fromkeys(devices))


def agree(console: Console, yes: bool) -> Callable[["Plan"], bool]:
    """Shows what a run takes on a device, and asks.

    Args:
        console: where.
        yes: the answer is given already.
    """

    def ask(plan: "Plan") -> bool:
        for line in plan.lines():
            say(line, console)
        if yes:
            return True
        if not sys.stdin.isatty():
            raise UserError("a device takes time that is paid for: accept it with --yes")
        return Confirm.ask("submit?", console=console, default=False)

    return ask
