"""The bank's models measured under conditions that hide no data, and what metrics make of them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from qhu import registry
from qhu.backends.named import open_backend
from qhu.engine.ansatz import Ansatz
from qhu.errors import UserError
from qhu.evidence.bank import REFERENCE, Bank
from qhu.evidence.examination import Exhibits, examine
from qhu.evidence.findings.attacked import PRIMARY
from qhu.evidence.planted import HOLDS
from qhu.evidence.pool import Pool
from qhu.model.circuit import build_ansatz, encoded_features
from qhu.model.hybrid import HybridNet
from qhu.model.theta import ModelState
from qhu.record.identity import code_digest
from qhu.seeding import numpy_stream
from qhu.study import Study

CONDITIONS = {
    "exact": "statevector",
    "shots": "statevector",
    "device noise": "fake_brisbane",
    "relearned": "statevector",
}
"""Conditions that metrics are examined in, and the backend that models are evaluated on."""
SHOTS = 1024
"""Shots per expectation value in the condition ``shots``."""
MOST_QUBITS = 6
"""Largest circuit under device noise: density matrices of larger ones take minutes per model."""
BEFORE = "before"
"""Teachers before unlearning, which a condition leaves as they are."""


class MetricRow(NamedTuple):
    """A row of ``metrics.csv``."""

    metric: str
    condition: str
    auc: float
    ci_low: float
    ci_high: float


def examined_scenario(study: Study) -> str:
    """The scenario whose rows the models of the bank hold or lack.

    Raises:
        UserError: the experiment has no scenario of the name that is asked for.
    """
    asked, scenarios = study.experiment.evidence, study.experiment.scenarios
    name = (asked and asked.examined) or next(iter(scenarios))
    if name not in scenarios:
        raise UserError(
            f"evidence.examined: no scenario {name!r}; there are {', '.join(scenarios)}"
        )
    return name


def conditions(study: Study) -> list[str]:
    """Conditions that the models of a study can be put under; a classical twin is not noisy."""
    ansatz = _ansatz(study)
    qubits = ansatz.circuit.num_qubits if ansatz else 0
    able = {"shots": qubits > 0, "device noise": 0 < qubits <= MOST_QUBITS}
    return [condition for condition in CONDITIONS if able.get(condition, True)]


def examined(study: Study, condition: str) -> list[MetricRow]:
    """Every metric's AUC under a condition; from the store if it is there."""
    bank = Bank(Pool(study), examined_scenario(study))
    spec = bank.pool.spec
    attacks = spec.attacks or tuple(registry.attack.names())
    foreign = [study.foreign.get(f"metric {name}") for name in study.metrics]
    used = [list(attacks), list(study.metrics), foreign, code_digest("qhu.evidence.examination")]
    key = study.key("examined", "train", spec.seed, _outputs_key(bank, condition), used)

    def compute() -> tuple[dict[str, Any], dict[str, Any]]:
        rates = examine(exhibits(bank, condition), attacks, study.metrics, PRIMARY)
        return {"values": np.array([rate[:3] for rate in rates.values()])}, {"names": list(rates)}

    stage = study.store.get(key, compute)
    rows = zip(stage.facts["names"], stage.arrays["values"].tolist(), strict=True)
    return [MetricRow(name, condition, *values) for name, values in rows]


def exhibits(bank: Bank, condition: str) -> Exhibits:
    """What metrics are examined with under a condition."""
    arrays, whole = outputs(bank, condition), bank.pool.whole
    kinds = (*HOLDS, REFERENCE, BEFORE)
    parts = {
        part: {kind: arrays[f"{kind} {part}"] for kind in kinds}
        for part in ("probabilities", "features", "theta")
    }
    members = bank.pool.members[bank.numbers]
    return Exhibits(
        **parts,
        holds=HOLDS,
        reference=REFERENCE,
        before=BEFORE,
        members=members,
        requested=members & bank.asked,
        labels=whole.labels,
        units=bank.numbers // 2,
        test=whole.test,
        val=whole.val,
        angles=bank.study.net("train").theta.mask("quantum").numpy(),
    )


def outputs(bank: Bank, condition: str) -> dict[str, NDArray[Any]]:
    """Class probabilities (n, R, C), features (n, R, M) and θ (n, d) under a condition.

    Arrays are named by kind and what they are, such as ``teacher features``; beside the kinds
    there are the references and the teachers before unlearning.
    """
    study, key = bank.study, _outputs_key(bank, condition)

    def compute() -> tuple[dict[str, Any], dict[str, Any]]:
        shown = bank.make()
        before = shown["teacher"]
        if condition == "relearned":
            shown = {kind: bank.relearned(kind, states) for kind, states in shown.items()}
        model, classes = study.experiment.model, len(study.data.classes)
        net = HybridNet(model, study.shape, classes, open_backend(CONDITIONS[condition]))
        shots = Shots(study, key) if condition == "shots" else None
        arrays = {
            f"{kind} {name}": values
            for kind, states in {**shown, BEFORE: before}.items()
            for name, values in _evaluated(net, states, bank.pool.whole.samples, shots).items()
        }
        return arrays, {}

    return study.store.get(key, compute).arrays


def _outputs_key(bank: Bank, condition: str) -> str:
    backend = open_backend(CONDITIONS[condition]).identity
    settings = [condition, backend, code_digest("qhu.evidence.examined")]
    return bank.study.key("bank outputs", "train", bank.pool.spec.seed, bank.key, *settings)


class Shots:
    """Expectation values as means of :data:`SHOTS` outcomes, each value drawn on its own.

    An outcome is ± the sum of the sizes of an observable's coefficients. So it is where the
    observable is one Pauli operator; of others it makes the noise larger than it is.

    Args:
        study: whose observables they are.
        key: what the draws depend on.
    """

    def __init__(self, study: Study, key: str) -> None:
        ansatz = _ansatz(study)
        observables = ansatz.observables if ansatz else ()
        self._largest = np.array([np.abs(each.coeffs).sum() for each in observables])
        self._generator = numpy_stream(int(key, 16), "shots")

    def drawn(self, exact: NDArray[np.float64]) -> NDArray[np.float64]:
        """Means of outcomes for exact values (R, M)."""
        up = np.clip((1 + exact / self._largest) / 2, 0, 1)
        return self._largest * (2 * self._generator.binomial(SHOTS, up) / SHOTS - 1)


def _ansatz(study: Study) -> Ansatz | None:
    model = study.experiment.model
    return build_ansatz(model, encoded_features(model, study.shape)) if model.quantum else None


def _evaluated(
    net: HybridNet, states: ModelState, x: torch.Tensor, shots: Shots | None
) -> Mapping[str, NDArray[Any]]:
    """Outputs of a stack of models on rows x (R, ...), and their θ."""
    features, probabilities = [], []
    for number in range(len(states.theta)):
        state = states.model(number)
        values, given = net.outputs(state, x)
        if shots:
            values = torch.from_numpy(shots.drawn(values.numpy()))
            net.load(state)
            with torch.no_grad():
                given = net.head(values.float()).double().softmax(dim=1)
        features.append(values.numpy())
        probabilities.append(given.numpy())
    theta = states.theta.detach().cpu().double().numpy()
    return {
        "features": np.stack(features),
        "probabilities": np.stack(probabilities),
        "theta": theta,
    }
