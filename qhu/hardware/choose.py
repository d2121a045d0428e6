"""Names of devices: retired ones, unknown ones, and the one that suits a circuit best today."""

import math
from collections.abc import Callable
from typing import NamedTuple

from qhu.errors import UserError
from qhu.hardware.account import Account, Listed, UnknownDevice
from qhu.hardware.credentials import NoAccount
from qhu.layout.placement import Device, Placement
from qhu.layout.snapshots import has_snapshot

RETIRED = {
    "ibm_kyiv": "2025-04-18",
    "ibm_sherbrooke": "2025-07-31",
    "ibm_brisbane": "2025-11-03",
    "ibm_torino": "2026-04-01",
    "ibm_brussels": "2026-04",
    "ibm_strasbourg": "2026-04",
}
"""Since when a device is gone, by IBM's announcements."""
SLOW = 1e-3
"""Devices that wait longer than this between executions cost many times more: not for ``auto``."""
AUTO = "auto"


class Choice(NamedTuple):
    """A device, where the circuit lies on it, and its properties in full."""

    device: Device
    placement: Placement
    properties: dict[str, object]


def check_name(account: Account, name: str) -> None:
    """Make sure that the account can use a device.

    Raises:
        UserError: it cannot; the message says why, and what it can use.
    """
    try:
        if name == AUTO:
            account.devices()
        else:
            account.backend(name)
    except NoAccount as error:
        raise NoAccount(f"{error}{_history(name)}{_rehearsal(name)}") from None
    except UnknownDevice:
        usable = [device.name for device in account.devices()]
        advice = f"it can use {', '.join(usable)}" if usable else "it can use none"
        raise UserError(
            f"your account has no device '{name}'{_history(name)}: {advice}, or "
            f"auto{_rehearsal(name)}"
        ) from None


def choose(
    account: Account, lay: Callable[[Device], Placement], say: Callable[[str], None]
) -> Choice:
    """The operational device whose gates and readout err least on the circuit; then, the queue.

    Args:
        account: whose devices.
        lay: places the circuit on a device.
        say: told why.

    Raises:
        UserError: no device is operational and large enough.
    """
    ranked: list[tuple[tuple[float, float], Choice, Listed]] = []
    refused: list[str] = []
    for listed in account.devices():
        choice = _try(account, listed, lay, refused)
        if choice:
            # Closer than a percent is the same: calibrations are not more accurate than that.
            queue = math.inf if listed.queue is None else listed.queue
            rank = (round(choice.placement.success, 2), -queue)
            ranked.append((rank, choice, listed))
    if not ranked:
        raise UserError(f"no device for the circuit now ({'; '.join(refused) or 'none listed'})")
    ranked.sort(key=lambda entry: entry[0], reverse=True)
    best = ranked[0][1]
    say(f"auto: {best.device.name}: least error by today's calibration, then shortest queue")
    for _, choice, listed in ranked:
        placement = choice.placement
        waiting = "not known" if listed.queue is None else f"{listed.queue:.0f}"
        say(f"  {listed.name}: {100 * placement.success:.1f} % without error, queue {waiting}")
    for line in refused:
        say(f"  {line}")
    return best


def _try(
    account: Account, listed: Listed, lay: Callable[[Device], Placement], refused: list[str]
) -> Choice | None:
    if not listed.operational:
        refused.append(f"{listed.name}: not operational ({listed.message})")
        return None
    try:
        device, properties = account.calibrated(listed.name)
        if device.pace.default > SLOW:
            waits = 1e3 * device.pace.default
            refused.append(f"{listed.name}: waits {waits:g} ms between executions")
            return None
        return Choice(device, lay(device), properties)
    except UserError as error:
        refused.append(f"{listed.name}: {error}")
        return None


def _history(name: str) -> str:
    return f"; {name} is retired since {RETIRED[name]}" if name in RETIRED else ""


def _rehearsal(name: str) -> str:
    if name != AUTO and not has_snapshot(name):
        return ""
    return "; or rehearse for nothing on this machine: --emulator auto (make: REHEARSE=1)"
