"""What `qhu doctor` looks at: installation, backends, account, budget, ledger."""

import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from qhu.backends.access import Access
from qhu.backends.base import entry_files, known_backends, open_backend
from qhu.backends.device import IbmBackend
from qhu.backends.ibm import NoAccount
from qhu.backends.ledger import Ledger
from qhu.errors import QhuError, UserError
from qhu.record.environment import PACKAGES, environment

ENOUGH = 2e9
"""Bytes of free disk below which a run may end early."""


class Finding(NamedTuple):
    """One thing that was looked at."""

    about: str
    fine: bool
    said: str


def examine(access: Access) -> Iterator[Finding]:
    """Look at everything that a run needs; what is not fine says how to mend it."""
    found = environment()["packages"]
    missing = [name for name in PACKAGES if not found[name]]
    versions = ", ".join(f"{name} {found[name]}" for name in PACKAGES if found[name])
    yield Finding("python", True, platform.python_version())
    yield Finding(
        "packages", not missing, f"missing: {', '.join(missing)}" if missing else versions
    )
    free = shutil.disk_usage(Path()).free
    yield Finding("disk", free > ENOUGH, f"{free / 1e9:.1f} GB free here")
    try:
        files = " and ".join(map(str, entry_files()))
        yield Finding("backends", True, f"{len(known_backends())} known, from {files}")
        device = open_backend("auto", access=access)
    except UserError as error:
        yield Finding("backends", False, str(error))
        return
    assert isinstance(device, IbmBackend)
    yield from _platform(device)


def _platform(device: IbmBackend) -> Iterator[Finding]:
    where = "emulator" if device.access.emulated else "IBM account"
    try:
        listed = device.account.devices()
        names = ", ".join(one.name if one.operational else f"{one.name} (down)" for one in listed)
        yield Finding(where, bool(listed), f"devices: {names or 'none'}")
        for one in listed[:1]:
            left = device.account.seconds_left(one.name)
            said = "" if left is None else f", {left:.0f} s left"
            yield Finding("plan", left is None or left > 0, device.account.plan(one.name) + said)
    except NoAccount as error:
        yield Finding(where, False, f"{error}; exact and noisy runs and rehearsals need none")
    except QhuError as error:
        yield Finding(where, False, str(error))
    path = device.access.ledger
    held = 0.0
    if path.exists():
        ledger = Ledger(path)
        held = ledger.held()
        open_ = len(ledger.requests("state IN ('planned', 'submitted')"))
        sound = ledger.one("PRAGMA quick_check")
        fine = sound is not None and sound[0] == "ok"
        yield Finding("ledger", fine, f"{path}: {held:.1f} s used or held, {open_} requests open")
    budget = device.budget
    if budget is None:
        said = "none: no device run; set max_qpu_seconds in backends.yaml or --max-qpu-seconds"
    else:
        said = f"{budget - held:.1f} of {budget:g} s left"
    yield Finding("budget", budget is not None, said)
