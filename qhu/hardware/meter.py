"""What circuits and jobs cost on a device, by where its circuit lies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qiskit import QuantumCircuit

from qhu.hardware import options as device_options
from qhu.hardware.cost import FORMULA, SOURCE, Cost, job_cost, payload, price, pub_cost
from qhu.hardware.dispatch import pack
from qhu.hardware.ledger import too_long
from qhu.hardware.options import Options
from qhu.hardware.questions import Question
from qhu.hardware.usage import LONGEST
from qhu.layout.placement import Placement


@dataclass(frozen=True)
class CostEstimate:
    """What questions take.

    Attributes:
        circuits: different circuits.
        parameter_sets: evaluations of a circuit, each with all observables.
        shots: of each.
        executions: runs of a circuit with one shot, readout calibration included.
        jobs: jobs that carry them.
        payload_bytes: about what is sent.
        estimated_qpu_seconds: time on the device.
        answered: questions that have an answer already, or are under way.
        expected_success: probability that an execution is without error; None: none is needed.
        refused: why nothing of it would be submitted, a line each; empty: it may be.
        price: money, where a rate is known.
        formula: how seconds are estimated.
        source: where the formula and the device's figures are from.
    """

    circuits: int
    parameter_sets: int
    shots: int
    executions: int
    jobs: int
    payload_bytes: int
    estimated_qpu_seconds: float
    answered: int
    expected_success: float | None
    refused: tuple[str, ...]
    price: str | None
    formula: str
    source: str


@dataclass(frozen=True)
class Meter:
    """Costs on a device.

    Attributes:
        options: how circuits are run.
        placement: where the circuit lies; None before one was placed, when nothing has a cost.
        least_success: part of the executions that must be expected to be without error.
    """

    options: Options
    placement: Placement | None
    least_success: float

    def pub(self, circuit: QuantumCircuit, sets: int, bases: int) -> Cost:
        """Cost of a PUB. A shifted circuit has the gates of the circuit, and so its length."""
        assert self.placement is not None  # a layer asks
        sampling = device_options.spent(self.options)
        return pub_cost(sets, bases, self.placement.length, self.placement.clock, sampling)

    def job(self, questions: Sequence[Question]) -> Cost:
        """Cost of a job of some questions."""
        assert self.placement is not None  # a layer asked them
        sampling = device_options.spent(self.options)
        return job_cost([question.cost for question in questions], self.placement.clock, sampling)

    def estimate(self, unanswered: Sequence[Question], answered: int) -> CostEstimate:
        """What questions take that have no answer yet, beside so many that have one."""
        options, sampling = self.options, device_options.spent(self.options)
        jobs = [self.job(group) for group in pack(unanswered, options.job_seconds)]
        seconds = sum(job.seconds for job in jobs)
        figures = self.placement.about["source"] if self.placement else "none was needed"
        return CostEstimate(
            circuits=len({question.content["circuit"] for question in unanswered}),
            parameter_sets=sum(question.cost.sets for question in unanswered),
            shots=sampling.executions * len(sampling.factors),
            executions=sum(job.executions for job in jobs),
            jobs=len(jobs),
            payload_bytes=sum(
                payload(options.resilience_level, q.cost.sets * q.pub.circuit.num_parameters)
                for q in unanswered
            ),
            estimated_qpu_seconds=round(seconds, 2),
            answered=answered,
            expected_success=self.placement.success if self.placement and jobs else None,
            refused=tuple(self._refused(jobs)),
            price=self.price(seconds),
            formula=FORMULA,
            source=f"{SOURCE}; device figures: {figures}",
        )

    def _refused(self, jobs: Sequence[Cost]) -> Iterator[str]:
        """Why jobs are not submitted, whatever the budget."""
        if jobs and self.placement and self.placement.success < self.least_success:
            yield (
                f"on {self.placement.about['device']}, {100 * self.placement.success:.2g} % of the "
                f"executions are expected to be without error, and least_success asks for "
                f"{100 * self.least_success:g} %: nothing is learnt there; take another device, or "
                "accept this one with --least-success 0"
            )
        longest = max((job.seconds for job in jobs), default=0.0)
        if longest > LONGEST:
            yield too_long(longest)

    def price(self, seconds: float) -> str | None:
        """What some seconds cost, in words; None where no rate is known."""
        rate = self.options.price_per_second
        return price(seconds, rate, self.options.currency) if rate else None
