"""A device of the IBM platform as a backend: placed once, priced, capped, recorded, resumed."""

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, ClassVar

from qiskit_machine_learning.connectors import TorchConnector

from qhu.backends.paid import PaidBackend
from qhu.engine.ansatz import Ansatz
from qhu.errors import fatal
from qhu.estimators.layer import estimator_layer
from qhu.estimators.noise import device_noise
from qhu.hardware import options as device_options
from qhu.hardware.meter import CostEstimate
from qhu.hardware.metered import MeteredEstimator, nothing
from qhu.hardware.options import INCIDENTAL, Options
from qhu.hardware.questions import Answer, Question
from qhu.hardware.session import DeviceSession
from qhu.layout.calibration import thaw
from qhu.layout.isa import IsaAnsatz, reduce_ansatz
from qhu.layout.placement import load
from qhu.registry import backend


@backend("ibm", cites=["schuld2019evaluating", "vandenberg2022model"])
class IbmBackend(PaidBackend):
    """A device of the IBM platform, or with --emulator a rehearsal on this machine."""

    stages: ClassVar[tuple[str, ...]] = ("evaluate",)
    incidental: ClassVar[frozenset[str]] = INCIDENTAL
    _session: DeviceSession | None = None

    def __init__(self, name: str, options: Options) -> None:
        super().__init__(name, options)

    def attach(self, run: str, stage: str, say: Callable[[str], None]) -> None:
        """See :meth:`PaidBackend.attach`; what is open of the device is opened anew for it."""
        super().attach(run, stage, say)
        self._session = None

    @property
    def session(self) -> DeviceSession:
        """What is held open of the device for what the backend works for."""
        if self._session is None:
            work = self.access, self.run, self.stage, self.say
            self._session = DeviceSession(self.device, self.options, *work)
        return self._session

    @property
    def device(self) -> str:
        """Name of the device that is asked for; ``auto`` leaves it open."""
        return str(self.options.device or self.name)

    @property
    def label(self) -> str:
        """The device's name, and that it is none where it is emulated."""
        device = self.session.device
        return f"EMULATED {device}" if self.access.emulated else device

    @property
    def identity(self) -> dict[str, Any]:
        """Options and device; an emulated one is another."""
        return super().identity | {"device": self.device, "emulated": self.access.emulated}

    def conditions(self) -> list[Any]:
        """Calibration and qubits that the circuit was placed by."""
        placement = self.session.placement
        return [placement.about["calibration"], list(placement.qubits)] if placement else []

    def check(self) -> None:
        """See :meth:`DeviceSession.check`."""
        self.session.check()

    def reach(self) -> bool:
        """See :meth:`PaidBackend.reach`."""
        return self.session.reachable

    def layer(self, ansatz: Ansatz, seed: int) -> TorchConnector:
        """Quantum layer on the device; what it is asked is priced, capped and recorded.

        Raises:
            UserError: no account, no such device, or the circuit does not fit it.
        """
        with fatal():
            placement = self.session.place(ansatz)
        context = {
            "device": self.session.device,
            "calibration": placement.about["calibration"],
            "options": self.options.model_dump(mode="json", exclude=set(INCIDENTAL)),
        }
        estimator = MeteredEstimator(self._answer, self.session.meter.pub, context)
        return estimator_layer(placement.ansatz, estimator, self.options.shots**-0.5)

    def _answer(self, questions: list[Question]) -> Mapping[str, Answer]:
        if self.counted is None:
            with fatal():
                return self.session.dispatcher.answer(questions)
        self.counted.update({question.key: question for question in questions})
        return {question.key: nothing(question) for question in questions}

    def fetch(self, questions: Sequence[Question]) -> None:
        """See :meth:`PaidBackend.fetch`."""
        self.session.dispatcher.answer(questions)

    def estimate(self, questions: Sequence[Question]) -> CostEstimate:
        """See :meth:`PaidBackend.estimate`."""
        session = self.session
        new = [q for q in questions if not (session.reachable and session.ledger.is_asked(q.key))]
        return session.meter.estimate(new, len(questions) - len(new))

    def means(self) -> dict[str, Any]:
        """See :meth:`PaidBackend.means`."""
        session, plan, held = self.session, None, 0.0
        if session.reachable:
            held, account = session.ledger.held(), session.account
            left = account.seconds_left(session.device)
            plan = {"name": account.plan(session.device), "seconds_left": left}
        budget = session.budget
        left = None if budget is None else max(budget - held, 0.0)
        return {"budget": {"max_qpu_seconds": budget, "left": left}, "plan": plan}

    def spending(self) -> dict[str, Any]:
        """See :meth:`PaidBackend.spending`: seconds, jobs and price of this run.

        Where the platform has not told what a job used, it is among those at most.
        """
        jobs = self.session.ledger.jobs(
            "tag IN (SELECT tag FROM requests WHERE run = ? AND step = ?)", self.run, self.stage
        )
        seconds, margin = sum(job["used"] or 0.0 for job in jobs), self.session.ledger.margin
        silent = [job for job in jobs if job["used"] is None]
        worst = seconds + sum(margin.worst(job["reserved"]) for job in silent)
        price = self.session.meter.price
        prices = {"price": price(seconds), "price_at_most": price(worst)}
        return {
            "qpu_seconds": round(seconds, 3),
            "qpu_seconds_at_most": round(worst, 3),
            "jobs": {job["id"]: job["state"] for job in jobs},
            "usage_not_known": [job["id"] for job in silent],
            **{name: text for name, text in prices.items() if text},
        }

    def close(self, settle: bool) -> None:
        """See :meth:`PaidBackend.close`."""
        self.session.close(settle)

    def effective(self) -> dict[str, Any]:
        """Options as they took effect; ``placement`` holds circuit and calibration in full."""
        session, sampling = self.session, device_options.spent(self.options)
        effective: dict[str, Any] = {
            "kind": "ibm",
            "emulated": self.access.emulated,
            **self.options.model_dump(mode="json", exclude_none=True, exclude={"currency"}),
            "max_qpu_seconds": session.budget,
            "least_success": session.meter.least_success,
            "shots": sampling.executions,
            "randomizations": sampling.randomizations,
            "noise_factors": list(sampling.factors),
            "readout_mitigated": sampling.calibrated,
            "versions": {name: version(name) for name in ("qiskit", "qiskit-ibm-runtime")},
        }
        if session.placement:
            effective |= {**session.placement.record(), "device": self.label}
        if session.dispatched:
            effective |= {"mode": session.jobs.mode, "notes": list(session.jobs.notes)}
        return effective

    @classmethod
    def recorded(cls, effective: Mapping[str, Any], ansatz: Ansatz) -> IsaAnsatz:
        """The circuit as it ran, with the noise of the calibration that it was placed by."""
        placed = load(json.dumps(effective["placement"]).encode(), ansatz)
        small, qubits = reduce_ansatz(placed.ansatz)
        return IsaAnsatz(small, qubits, device_noise(thaw(placed.figures)))
