"""The emulator: start it, point a client at it, look at what it saw."""

import dataclasses
import functools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from qhu.emulator.answers import answer
from qhu.emulator.devices import EmulatedDevice
from qhu.emulator.faults import Fault, Script
from qhu.emulator.platform import CRN, EmulatedPlatform, Rules
from qhu.emulator.queue import Queue

# Their routes count once they are imported.
from qhu.emulator.routes import (  # noqa: F401
    account,
    backends,
    jobs,
    listing,
    sessions,
    submissions,
)
from qhu.emulator.routes.jobs import describe
from qhu.emulator.server import LOOPBACK, LoopbackServer
from qhu.emulator.store import PlatformStore
from qhu.emulator.tokens import API_KEY, Tokens
from qhu.errors import UserError


class Emulator:
    """The IBM Quantum platform on loopback; a context manager.

    Args:
        device: device or devices to serve, such as ``fake_brisbane``, served as ``ibm_brisbane``.
        port: port on 127.0.0.1; 0 for a free one.
        state: folder that keeps jobs, sessions and calibrations over restarts; None for memory.
        faults: what goes wrong.
        rules: what the platform grants and how fast it is.

    Raises:
        UserError: no such device, or the folder or the port is in use.
    """

    token = API_KEY
    """What stands for the API token."""
    instance = CRN
    """Name of the instance."""

    def __init__(
        self,
        device: str | Sequence[str] = "fake_brisbane",
        port: int = 0,
        state: Path | None = None,
        faults: Iterable[Fault | dict[str, Any]] = (),
        rules: Rules | None = None,
    ) -> None:
        rules = rules or Rules()
        names = [device] if isinstance(device, str) else device
        devices = [EmulatedDevice(name, rules.seed) for name in names]
        script = Script(Fault.model_validate(fault) for fault in faults)
        store = PlatformStore(state)
        by_name = {device.name: device for device in devices}
        self._platform = EmulatedPlatform(by_name, store, rules, script, Tokens(rules.token_life))
        self._queue = Queue(self._platform)
        try:
            self._server = LoopbackServer(functools.partial(answer, self._platform), port)
        except UserError:
            store.close()
            raise

    def __enter__(self) -> "Emulator":
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to answer and to run jobs."""
        self._queue.start()
        self._server.start()

    def stop(self) -> None:
        """Stop; with a state folder, another emulator can go on from here."""
        self._server.stop()
        self._queue.stop()
        self._platform.store.close()

    @property
    def url(self) -> str:
        """Address of everything: tokens, search, catalog and the runtime API."""
        return f"http://{LOOPBACK}:{self._server.port}"

    @property
    def devices(self) -> list[str]:
        """Names of the devices as the platform calls them."""
        return list(self._platform.devices)

    def account(self) -> dict[str, str]:
        """Arguments of ``QiskitRuntimeService`` for programs that pass their own.

        A token that is passed without ``url`` is one of the real platform, whatever the variables
        say; the variables of :meth:`environment` are needed besides.
        """
        return {
            "channel": "ibm_quantum_platform",
            "token": self.token,
            "instance": self.instance,
            "url": f"{self.url}/experimental/api/v1",
        }

    def environment(self) -> dict[str, str]:
        """Variables that send an unmodified client here and nowhere else."""
        return {
            **{f"QISKIT_IBM_{name.upper()}": value for name, value in self.account().items()},
            "IAM_URL": self.url,
            "GLOBAL_SEARCH_URL": self.url,
            "GLOBAL_CATALOG_URL": f"{self.url}/catalog/api/v1",
            "NO_PROXY": f"{LOOPBACK},localhost",
        }

    @property
    def requests(self) -> list[tuple[str, str, int]]:
        """Method, path and status of the requests so far; status 0 where no answer was given."""
        return list(self._platform.seen)

    def jobs(self) -> list[dict[str, Any]]:
        """All jobs, oldest first, as they are, whatever the platform shows of them."""
        return [describe(job) for job in self._platform.store.jobs.where()]

    def add_fault(self, fault: Fault | None = None, **entries: Any) -> None:
        """Add a fault, given as such or by its entries, due from now on."""
        self._platform.script.add(fault or Fault.model_validate(entries))

    def clear_faults(self) -> None:
        """Forget all faults; what they changed stays changed."""
        self._platform.script.clear()

    def change_rules(self, **rules: Any) -> None:
        """Change what the platform grants, from now on."""
        self._platform.rules = dataclasses.replace(self._platform.rules, **rules)

    def calibrate(self, device: str) -> None:
        """Calibrate a device anew, as its name is served."""
        self._platform.calibrate(device)
