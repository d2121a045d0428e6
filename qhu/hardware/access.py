"""Which platform is talked to: the real one, or an emulator on this machine that was asked for."""

import contextlib
import hashlib
import ipaddress
import math
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from qhu.errors import UserError
from qhu.hardware.redirects import SERVICES

LEDGERS = Path("ledger")
"""Folder of the ledgers; `make clean` leaves it alone, for what is in it was paid for."""


@dataclass(frozen=True)
class Access:
    """How the platform is reached.

    Attributes:
        emulator: address of an emulator on this machine; None: the real platform, with the saved
            account or that of the environment.
        token: the emulator's key; never a real one.
        instance: the emulator's instance.
        budget: seconds of device time that the owner's jobs may use together, instead of the
            backend's own ``max_qpu_seconds``.
        least_success: part of the executions that must be expected to be without error, instead of
            the backend's own ``least_success``.

    Raises:
        UserError: a budget that is no number of seconds, or a part that is none.
    """

    emulator: str | None = None
    token: str = field(default="", repr=False)
    instance: str = ""
    budget: float | None = None
    least_success: float | None = None

    def __post_init__(self) -> None:
        if self.budget is not None and not 0 <= self.budget < math.inf:
            raise UserError(
                f"max_qpu_seconds is a number of seconds, 0 or more (got {self.budget})"
            )
        if self.least_success is not None and not 0 <= self.least_success <= 1:
            raise UserError(f"least_success is a part from 0 to 1 (got {self.least_success})")

    @property
    def emulated(self) -> bool:
        """Whether answers come from an emulator."""
        return self.emulator is not None

    @property
    def ledger(self) -> Path:
        """File of the ledger: what was emulated never mixes with what was measured.

        ``QHU_LEDGER`` names its folder. Else a rehearsal's is in the working folder, and that of
        the platform the user's one, unless the working folder has one of its own.
        """
        name = "emulator.db" if self.emulated else "ibm.db"
        if folder := os.environ.get("QHU_LEDGER"):
            return Path(folder) / name
        if self.emulated or (LEDGERS / name).exists():
            return LEDGERS / name
        data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
        return Path(data) / "qhu" / name

    @property
    def owner(self) -> str:
        """Whose jobs are one's own, to be cancelled as doubles and counted in the budget.

        It is the working folder on this machine, in a hash.
        """
        place = f"{platform.node()}:{Path.home()}:{Path.cwd()}"
        return hashlib.sha256(place.encode()).hexdigest()[:12]


@contextlib.contextmanager
def redirected(access: Access) -> Iterator[None]:
    """Send the IBM client to the emulator, if one was asked for.

    That nothing else sends it anywhere is looked at when an account is opened.

    Raises:
        UserError: the emulator is not on this machine.
    """
    if access.emulator is None:
        yield
        return
    base = loopback(access.emulator)
    direct = {
        name: ",".join(filter(None, (urlsplit(base).hostname, os.environ.get(name))))
        for name in ("NO_PROXY", "no_proxy")
    }
    services = {f"{name.upper()}_URL": base + path for name, path in SERVICES.items()}
    changed = {"IAM_URL": base, **services, **direct}
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def loopback(url: str) -> str:
    """The address without a trailing slash, if it is one of this machine's own.

    Raises:
        UserError: it is not, or it is no address.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    with contextlib.suppress(ValueError):
        if (
            parts.scheme == "http"
            and parts.port
            and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
        ):
            return f"http://{parts.netloc}{parts.path.rstrip('/')}"
    raise UserError(
        f"an emulator is on this machine, such as http://127.0.0.1:8080 (got '{url}'); "
        "leave --emulator out for the real platform"
    )
