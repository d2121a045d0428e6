"""What a run holds open of a device: account, ledger, jobs, and where its circuit lies."""

import functools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from qhu.engine.ansatz import Ansatz
from qhu.errors import BudgetRefused
from qhu.hardware import options as device_options
from qhu.hardware.access import LEDGERS, Access
from qhu.hardware.account import Account
from qhu.hardware.choose import AUTO, check_name, choose
from qhu.hardware.credentials import NoAccount
from qhu.hardware.dispatch import Dispatcher
from qhu.hardware.ledger import Ledger
from qhu.hardware.meter import Meter
from qhu.hardware.options import Options
from qhu.hardware.runtime import RuntimeJobs
from qhu.layout.placement import Device, Placement, ansatz_name, load, place
from qhu.layout.snapshots import has_snapshot

KEPT_FOR = timedelta(hours=24)
"""A circuit lies where a run of the last day placed it, so that their values can be compared."""


class DeviceSession:
    """Account, ledger and job queue of a device, each opened at its first use.

    Args:
        wanted: name of the device, or ``auto``.
        options: how circuits are run.
        access: how the platform is reached.
        run: fingerprint of the run; empty where nothing is to be kept, in a plan.
        stage: of the run.
        say: shows a line to the user.

    Attributes:
        placement: where the circuit lies, once :meth:`place` was called.
    """

    def __init__(
        self,
        wanted: str,
        options: Options,
        access: Access,
        run: str,
        stage: str,
        say: Callable[[str], None],
    ) -> None:
        self._wanted, self._options, self._access = wanted, options, access
        self._run, self._stage, self._say = run, stage, say
        self.placement: Placement | None = None

    @property
    def device(self) -> str:
        """The device; of ``auto``, once a circuit was placed."""
        return self.placement.about["device"] if self.placement else self._wanted

    @property
    def meter(self) -> Meter:
        """What circuits cost where they lie."""
        asked = self._access.least_success
        least = self._options.least_success if asked is None else asked
        return Meter(self._options, self.placement, least)

    @property
    def budget(self) -> float | None:
        """Seconds that all jobs of the owner may be charged; None: nothing may be submitted."""
        own: float | None = self._options.max_qpu_seconds
        return own if self._access.budget is None else self._access.budget

    @functools.cached_property
    def account(self) -> Account:
        """The account."""
        patience = device_options.patience(self._options, self._access.emulated)
        return Account(self._access, patience, self._say)

    @functools.cached_property
    def ledger(self) -> Ledger:
        """What was asked, answered and used before."""
        if not self._access.emulated and self._access.ledger.parent == LEDGERS:
            self._say(f"the ledger is {self._access.ledger}, this folder's own")
        return Ledger(self._access.ledger, self._say, owner=self._access.owner)

    @functools.cached_property
    def jobs(self) -> RuntimeJobs:
        """Where jobs go."""
        left = (self.budget or 0) - self.ledger.held()
        options = device_options.estimator_options(self._options)
        limit = max(60, min(int(left), 8 * 3600))
        return RuntimeJobs(self.account, self.device, options, self._options.mode, limit)

    @functools.cached_property
    def dispatcher(self) -> Dispatcher:
        """What gets questions answered."""
        terms = device_options.terms(self._options, self.budget, self._access.emulated)
        about = self._run, self._stage, self.device
        return Dispatcher(self.ledger, self.jobs, terms, self.meter.job, about, self._say)

    @property
    def dispatched(self) -> bool:
        """Whether anything went to the platform's queue, or could have."""
        return "dispatcher" in self.__dict__

    @functools.cached_property
    def reachable(self) -> bool:
        """Whether the account answers; a plan can do with the device's twin.

        Raises:
            NoAccount: a run needs one, or there is no twin.
        """
        try:
            check_name(self.account, self.device)
        except NoAccount:
            if self._run or not has_snapshot(self.device):
                raise
            return False
        return True

    def check(self) -> None:
        """Refuse before anything is computed.

        Raises:
            UserError: no account, or no such device.
            BudgetRefused: no budget.
        """
        check_name(self.account, self.device)
        if self.budget is None:
            raise BudgetRefused(
                "no budget, so nothing is submitted: see what the run takes with `qhu plan`, then "
                "set max_qpu_seconds in backends.yaml or --max-qpu-seconds"
            )

    def place(self, ansatz: Ansatz) -> Placement:
        """Place the run's circuit: as before, or by today's calibration.

        Raises:
            UserError: no account, no such device, or the circuit does not fit it.
        """
        if self.reachable:
            self.placement = self._kept_or_placed(ansatz)
        else:
            self.placement = self._placed_on(Device.twin(self.device), ansatz)
        return self.placement

    def close(self, settle: bool) -> None:
        """Let the batch or session end; with ``settle`` wait until it is known what was used."""
        if self.dispatched:
            self.jobs.close()
            if settle:
                self.dispatcher.sweep()
                while self.dispatcher.usage.settle(patient=True):
                    pass  # something became known: the others may, too

    def _kept_or_placed(self, ansatz: Ansatz) -> Placement:
        options, placements = self._options, self.ledger.placements
        settings = options.optimization_level, options.transpile_seed, options.layout
        circuit = ansatz_name(ansatz, *settings, options.rep_delay)
        since = (datetime.now(UTC) - KEPT_FOR).isoformat(timespec="seconds")
        body = placements.find(self._run, circuit, self.device, since)
        if body is None:
            if self.device == AUTO:
                lay = functools.partial(self._placed_on, ansatz=ansatz)
                device, placement, properties = choose(self.account, lay, self._say)
            else:
                device, properties = self.account.calibrated(self.device)
                placement = self._placed_on(device, ansatz)
            placements.calibrate(device.calibration, device.name, device.date, properties)
            body = placement.dump()
        placement = load(body, ansatz)
        if self._run:
            placements.keep(self._run, circuit, placement.about["device"], body)
        return placement

    def _placed_on(self, device: Device, ansatz: Ansatz) -> Placement:
        options = self._options
        return place(
            ansatz,
            device,
            optimization_level=options.optimization_level,
            seed=options.transpile_seed,
            layout=options.layout,
            delay=options.rep_delay,
        )
