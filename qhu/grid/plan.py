"""What a run will ask of devices, counted by the run itself, before anything is asked."""

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from qhu import pipeline
from qhu.hardware.meter import CostEstimate
from qhu.hardware.questions import Question
from qhu.record.counts import count_of
from qhu.record.store import MemoryStore
from qhu.study import Cell, Study


@dataclass(frozen=True)
class Plan:
    """What a run takes on a device.

    Attributes:
        experiment: its name.
        backend: where it is evaluated.
        stages: per stage that costs, what it takes.
        means: what may be spent; empty where nothing costs.
    """

    experiment: str
    backend: str
    stages: dict[str, CostEstimate]
    means: dict[str, Any]

    @property
    def seconds(self) -> float:
        """Time on the device."""
        return sum(estimate.estimated_qpu_seconds for estimate in self.stages.values())

    @property
    def refused(self) -> list[str]:
        """Why nothing of it would be submitted, a line each; empty: it may be."""
        return [why for estimate in self.stages.values() for why in estimate.refused]

    def document(self) -> dict[str, Any]:
        """Sums over the stages, and each stage, JSON-serialisable."""
        summed = ("circuits", "parameter_sets", "executions", "jobs", "payload_bytes")
        parts = self.stages.values()
        return {
            "experiment": self.experiment,
            "backend": self.backend,
            **{name: sum(getattr(part, name) for part in parts) for name in summed},
            "shots": max((part.shots for part in parts), default=0),
            "estimated_qpu_seconds": round(self.seconds, 2),
            "price": ", ".join(part.price for part in parts if part.price) or None,
            "formula": next((part.formula for part in parts), None),
            "source": next((part.source for part in parts), None),
            **(self.means or {"budget": None, "plan": None}),
            "stages": {name: asdict(part) for name, part in self.stages.items()},
        }

    def lines(self) -> list[str]:
        """The plan in words."""
        if not self.stages:
            return [f"{self.backend} runs on this machine: nothing is sent, and it costs nothing"]
        lines = []
        for stage, estimate in self.stages.items():
            lines.append(
                f"{stage} on {self.backend}: {estimate.parameter_sets:,} parameter sets of "
                f"{count_of(estimate.circuits, 'circuit')} × {estimate.shots} shots = "
                f"{estimate.executions:,} executions, in {count_of(estimate.jobs, 'job')} "
                f"(about {estimate.payload_bytes / 1e6:.1f} MB)"
            )
            if estimate.answered:
                lines.append(
                    f"  {count_of(estimate.answered, 'model')} more answered already: free"
                )
            lines.append(
                f"  {estimate.estimated_qpu_seconds:.1f} s of device time: {estimate.formula}"
            )
            lines.append(f"  ({estimate.source})")
            if estimate.expected_success is not None:
                share = 100 * estimate.expected_success
                lines.append(f"  {share:.2g} % of the executions are expected to be without error")
            lines += [f"  would be refused: {why}" for why in estimate.refused]
            if estimate.price:
                lines.append(f"  price: {estimate.price}")
        budget, plan = self.means["budget"], self.means["plan"]
        if budget["max_qpu_seconds"] is None:
            lines.append("budget: none, so nothing would be submitted; set max_qpu_seconds")
        else:
            lines.append(
                f"budget: {budget['left']:.1f} of {budget['max_qpu_seconds']:g} s are left"
            )
        if plan is None:
            lines.append("plan: no account, so nobody to ask")
        elif plan["seconds_left"] is None:
            lines.append(f"plan: {plan['name']}, time left not known")
        else:
            lines.append(f"plan: {plan['name']}, {plan['seconds_left']:.0f} s are left")
        return lines


def make_plan(study: Study, without: Collection[Cell] = ()) -> Plan:
    """Count what the study's devices would be asked; models that need no device are made before.

    Args:
        study: the study.
        without: cells that have failed, which ask nothing.
    """
    stages = {}
    for stage, questions in count(study, without).items():
        stages[stage] = study.paid[stage].estimate(questions)
    means = next((backend.means() for backend in study.paid.values()), {})
    return Plan(study.experiment.name, study.backends["evaluate"].label, stages, means)


def count(study: Study, without: Collection[Cell] = ()) -> dict[str, list[Question]]:
    """The run itself, its devices counting: questions per stage that costs, in order.

    Answers are made up as zeros and go nowhere. Where training or unlearning are on the device,
    too, later circuits depend on its answers, so that only their number is right.
    """
    with _counting(study):
        for cell in study.cells():
            if cell not in without:
                ask(study, cell)
        return {k: list((b.counted or {}).values()) for k, b in study.paid.items()}


def ask(study: Study, cell: Cell) -> None:
    """Everything that a cell's scores need from devices."""
    for model in pipeline.models(study, cell):
        pipeline.predict(study, model, cell.seed, "evaluate", cell.scenario)


@contextlib.contextmanager
def _counting(study: Study) -> Iterator[None]:
    store, study.store = study.store, MemoryStore(below=study.store)
    for backend in study.paid.values():
        backend.counted = {}
    try:
        yield
    finally:
        study.store = store
        for backend in study.paid.values():
            backend.counted = None
