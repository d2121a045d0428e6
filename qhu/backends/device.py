"""A device of the IBM platform as a backend: placed once, priced, capped, recorded, resumed."""

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any, ClassVar

from qiskit import QuantumCircuit
from qiskit_machine_learning.connectors import TorchConnector

from qhu.backends import device_options
from qhu.backends.calibration import thaw
from qhu.backends.cost import FORMULA, SOURCE, Cost, job_cost, payload, price, pub_cost
from qhu.backends.device_options import INCIDENTAL, Options
from qhu.backends.devices import has_snapshot
from qhu.backends.dispatch import Dispatcher, pack
from qhu.backends.ibm import Account, NoAccount
from qhu.backends.isa import IsaAnsatz, reduce_ansatz
from qhu.backends.layer import estimator_layer
from qhu.backends.layout import Device, Placement, ansatz_name, load, place
from qhu.backends.ledger import Ledger
from qhu.backends.metered import MeteredEstimator, nothing
from qhu.backends.names import AUTO, check_name, choose
from qhu.backends.noise import device_noise
from qhu.backends.paid import Estimate, PaidBackend
from qhu.backends.questions import Answer, Question
from qhu.backends.runtime import RuntimeJobs
from qhu.engine.ansatz import Ansatz
from qhu.errors import BudgetRefused
from qhu.registry import backend

KEPT_FOR = timedelta(hours=24)
"""A circuit lies where a run of the last day placed it, so that their values can be compared."""


@backend("ibm", cites=["schuld2019evaluating", "vandenberg2022model"])
class IbmBackend(PaidBackend):
    """A device of the IBM platform, or with --emulator a rehearsal on this machine."""

    stages: ClassVar[tuple[str, ...]] = ("evaluate",)
    incidental: ClassVar[frozenset[str]] = INCIDENTAL

    _placement: Placement | None = None
    """Where the circuit lies, once a layer was made."""

    def __init__(self, name: str, options: Options) -> None:
        super().__init__(name, options)

    # -- names -------------------------------------------------------------------------------------

    @property
    def device(self) -> str:
        """The device; of ``auto``, once a circuit was placed."""
        return self._placement.about["device"] if self._placement else self._wanted

    @property
    def _wanted(self) -> str:
        return str(self.options.device or self.name)

    @property
    def label(self) -> str:
        """The device's name, and that it is none where it is emulated."""
        return f"EMULATED {self.device}" if self.access.emulated else self.device

    @property
    def identity(self) -> dict[str, Any]:
        """Options and device; an emulated one is another."""
        return super().identity | {"device": self._wanted, "emulated": self.access.emulated}

    def conditions(self) -> list[Any]:
        """Calibration and qubits that the circuit was placed by."""
        placed = self._placement
        return [placed.about["calibration"], list(placed.qubits)] if placed else []

    @property
    def budget(self) -> float | None:
        """Seconds that all jobs of the ledger may use, None where nothing may be submitted."""
        own: float | None = self.options.max_qpu_seconds
        return own if self.access.budget is None else self.access.budget

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

    # -- the platform ------------------------------------------------------------------------------

    @functools.cached_property
    def account(self) -> Account:
        """The account, opened at its first use."""
        patience = device_options.patience(self.options, self.access.emulated)
        return Account(self.access, patience, self.say)

    @functools.cached_property
    def ledger(self) -> Ledger:
        """The ledger, made at its first use."""
        return Ledger(self.access.ledger)

    @functools.cached_property
    def runtime(self) -> RuntimeJobs:
        """Where jobs go."""
        left = (self.budget or 0) - self.ledger.held()
        options = device_options.estimator_options(self.options)
        limit = max(60, min(int(left), 8 * 3600))
        return RuntimeJobs(self.account, self.device, options, self.options.mode, limit)

    @functools.cached_property
    def dispatcher(self) -> Dispatcher:
        """What gets questions answered."""
        terms = device_options.terms(self.options, self.budget, self.access.emulated)
        about = self.run, self.step, self.device
        return Dispatcher(self.ledger, self.runtime, terms, self._job, about, self.say)

    def fetch(self, questions: Sequence[Question]) -> None:
        """See :meth:`PaidBackend.fetch`."""
        self.dispatcher.answer(questions)

    def estimate(self, questions: Sequence[Question]) -> Estimate:
        """See :meth:`PaidBackend.estimate`."""
        spent = device_options.spent(self.options)
        new = [q for q in questions if not (self._reachable and self.ledger.is_asked(q.key))]
        jobs = [self._job(group) for group in pack(new, self.options.job_seconds)]
        seconds, rate = sum(job.seconds for job in jobs), self.options.price_per_second
        return Estimate(
            circuits=len({question.content["circuit"] for question in new}),
            parameter_sets=sum(question.cost.sets for question in new),
            shots=spent.executions * len(spent.factors),
            executions=sum(job.executions for job in jobs),
            jobs=len(jobs),
            payload_bytes=sum(
                payload(self.options.resilience_level, q.cost.sets * q.pub.circuit.num_parameters)
                for q in new
            ),
            estimated_qpu_seconds=round(seconds, 2),
            answered=len(questions) - len(new),
            price=price(seconds, rate, self.options.currency) if rate else None,
            formula=FORMULA,
            source=f"{SOURCE}; device figures: {self._about('source')}",
        )

    def means(self) -> dict[str, Any]:
        """See :meth:`PaidBackend.means`."""
        held = self.ledger.held() if self._reachable else 0.0
        left = None if self.budget is None else max(self.budget - held, 0.0)
        budget = {"max_qpu_seconds": self.budget, "left": left}
        if not self._reachable:
            return {"budget": budget, "plan": None}
        plan = {
            "name": self.account.plan(self.device),
            "seconds_left": self.account.seconds_left(self.device),
        }
        return {"budget": budget, "plan": plan}

    def _about(self, what: str) -> str:
        return self._placement.about[what] if self._placement else "none was needed"

    def _job(self, questions: Sequence[Question]) -> Cost:
        assert self._placement is not None  # a layer asked them
        spent = device_options.spent(self.options)
        return job_cost([question.cost for question in questions], self._placement.clock, spent)

    def spending(self) -> dict[str, Any]:
        """See :meth:`PaidBackend.spending`: seconds, jobs and price of this run."""
        jobs = self.ledger.jobs(
            "tag IN (SELECT tag FROM requests WHERE run = ? AND step = ?)", self.run, self.step
        )
        seconds = sum(job["used"] or 0.0 for job in jobs)
        found = {
            "qpu_seconds": round(seconds, 3),
            "jobs": {job["id"]: job["state"] for job in jobs},
            "usage_not_final": [job["id"] for job in jobs if job["used"] is None],
        }
        rate = self.options.price_per_second
        return found | ({"price": price(seconds, rate, self.options.currency)} if rate else {})

    def close(self, settle: bool) -> None:
        """See :meth:`PaidBackend.close`."""
        if "dispatcher" in self.__dict__:
            self.runtime.close()
            if settle:
                self.dispatcher.settle(looks=4)

    # -- what circuits pass through ----------------------------------------------------------------

    def layer(self, ansatz: Ansatz, seed: int) -> TorchConnector:
        """Quantum layer on the device; what it is asked is priced, capped and recorded.

        Raises:
            UserError: no account, no such device, or the circuit does not fit it.
        """
        self._placement = self._placed(ansatz)
        context = {
            "device": self.device,
            "calibration": self._placement.about["calibration"],
            "options": self.options.model_dump(mode="json", exclude=set(INCIDENTAL)),
        }
        estimator = MeteredEstimator(self._answer, self._price, context)
        return estimator_layer(self._placement.ansatz, estimator, self.options.shots**-0.5)

    def _answer(self, questions: list[Question]) -> Mapping[str, Answer]:
        if self.counted is None:
            return self.dispatcher.answer(questions)
        self.counted.update({question.key: question for question in questions})
        return {question.key: nothing(question) for question in questions}

    def _price(self, circuit: QuantumCircuit, sets: int, bases: int) -> Cost:
        placed = self._placement
        assert placed is not None
        # A shifted circuit has the gates of the circuit, and so its length.
        return pub_cost(
            sets, bases, placed.length, placed.clock, device_options.spent(self.options)
        )

    def _placed(self, ansatz: Ansatz) -> Placement:
        """Where the run's circuit lies: as before, or by today's calibration."""
        options: Options = self.options
        given = options.optimization_level, options.transpile_seed, options.layout
        circuit = ansatz_name(ansatz, *given, options.rep_delay)

        def lay(device: Device) -> Placement:
            level, seed, layout = given
            delay = device.delay if options.rep_delay is None else options.rep_delay
            device = dataclasses.replace(device, delay=delay)
            return place(ansatz, device, optimization_level=level, seed=seed, layout=layout)

        if not self._reachable:
            return lay(Device.twin(self.device))
        since = (datetime.now(UTC) - KEPT_FOR).isoformat(timespec="seconds")
        kept = self.ledger.placements
        body = kept.find(self.run, circuit, self.device, since)
        if body is None:
            if self.device == AUTO:
                device, found, properties = choose(self.account, lay, self.say)
            else:
                device, properties = self.account.calibrated(self.device)
                found = lay(device)
            kept.calibrate(device.calibration, device.name, device.date, properties)
            body = found.dump()
        placed = load(body, ansatz)
        if self.run:
            kept.keep(self.run, circuit, placed.about["device"], body)
        return placed

    @functools.cached_property
    def _reachable(self) -> bool:
        """Whether the account answers; a plan can do with the device's twin."""
        try:
            check_name(self.account, self.device)
        except NoAccount:
            if self.run or not has_snapshot(self.device):
                raise
            return False
        return True

    # -- the record --------------------------------------------------------------------------------

    def effective(self) -> dict[str, Any]:
        """Options as they took effect; ``placement`` holds circuit and calibration in full."""
        placed, spent = self._placement, device_options.spent(self.options)
        found: dict[str, Any] = {
            "kind": "ibm",
            "emulated": self.access.emulated,
            **self.options.model_dump(mode="json", exclude_none=True, exclude={"currency"}),
            "max_qpu_seconds": self.budget,
            "shots": spent.executions,
            "randomizations": spent.randomizations,
            "noise_factors": list(spent.factors),
            "readout_mitigated": spent.calibrated,
            "versions": {name: version(name) for name in ("qiskit", "qiskit-ibm-runtime")},
        }
        if placed:
            found |= {**placed.record(), "device": self.label}
        if "runtime" in self.__dict__:
            found |= {"mode": self.runtime.mode, "notes": list(self.runtime.notes)}
        return found

    @classmethod
    def recorded(cls, effective: Mapping[str, Any], ansatz: Ansatz) -> IsaAnsatz:
        """The circuit as it ran, with the noise of the calibration that it was placed by."""
        placed = load(json.dumps(effective["placement"]).encode(), ansatz)
        small, qubits = reduce_ansatz(placed.ansatz)
        return IsaAnsatz(small, qubits, device_noise(thaw(placed.figures)))
