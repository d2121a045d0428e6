"""What `qhu doctor` looks at: installation, backends, account, budget, ledger."""

import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from qhu.backends.ibm import IbmBackend
from qhu.backends.named import entry_files, known_backends, open_backend
from qhu.errors import QhuError, UserError
from qhu.hardware.access import Access
from qhu.hardware.credentials import NoAccount
from qhu.hardware.ledger import Ledger
from qhu.record.identity import packages

ENOUGH = 2e9
"""Bytes of free disk below which a run may end early."""


class Finding(NamedTuple):
    """One thing that was looked at."""

    about: str
    fine: bool
    text: str


def examine(access: Access) -> Iterator[Finding]:
    """Look at everything that a run needs; what is not fine says how to mend it."""
    installed = packages()
    missing = [name for name, version in installed.items() if not version]
    versions = ", ".join(f"{name} {version}" for name, version in installed.items() if version)
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
        account = device.session.account
        yield Finding("account", True, account.describe())
        listed = account.devices()
        names = ", ".join(
            entry.name if entry.operational else f"{entry.name} (down)" for entry in listed
        )
        yield Finding(where, bool(listed), f"devices: {names or 'none'}")
        for entry in listed[:1]:
            left = account.seconds_left(entry.name)
            text = ", time left not known" if left is None else f", {left:.0f} s left"
            yield Finding("plan", left is None or left > 0, account.plan(entry.name) + text)
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
        sound = ledger.first("PRAGMA quick_check")
        fine = sound is not None and sound[0] == "ok"
        yield Finding("ledger", fine, f"{path}: {held:.1f} s used or held, {open_} requests open")
    budget = device.session.budget
    if budget is None:
        text = "none: no device run; set max_qpu_seconds in backends.yaml or --max-qpu-seconds"
    else:
        text = f"{max(budget - held, 0):.1f} of {budget:g} s left"
    yield Finding("budget", budget is not None, text)
