"""What the values of an ablation are made of, so that a page compares like with like."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from qhu.report.tables import number


@dataclass(frozen=True)
class Setup:
    """Task and network of one value.

    Attributes:
        rows: hash of the labels and splits of all seeds; where it is the same, so are the rows.
        samples: rows of the data.
        classes: how many there are.
        inputs: numbers that a sample is made of, as the network sees it.
        majority: accuracy on the test rows of always naming the commonest training class.
        linear: accuracy on the test rows of a linear model; NaN where the data are not varied.
        qubits: width of the circuit; 0 without one, as are the next two.
        depth: of the circuit in RZ, SX, X and CZ between any two qubits.
        two_qubit: CZ gates in that.
        parameters: trainable numbers by part of the network.
    """

    rows: str
    samples: int
    classes: int
    inputs: int
    majority: float
    linear: float
    qubits: int
    depth: int
    two_qubit: int
    parameters: Mapping[str, int]


def setup_table(
    setups: Mapping[str, Setup], results: pd.DataFrame
) -> tuple[list[list[str]], list[tuple[str, str]]]:
    """What values are made of: where they differ, and what is the same for all.

    Args:
        setups: by label.
        results: rows of the results of all values, with the value as ``at``.

    Returns:
        Cells of a table with a row per value, the heads of the columns first; names of what all
        have in common, with the value.
    """
    columns = _columns(setups, results)
    shown = {head: cells for head, cells in columns.items() if len(set(cells)) > 1}
    others = {head: cells[0] for head, cells in columns.items() if head not in shown}
    alike = [(head, cell) for head, cell in others.items() if cell != "–"]
    return [list(shown), *map(list, zip(*shown.values(), strict=True))], alike


def _columns(setups: Mapping[str, Setup], results: pd.DataFrame) -> dict[str, list[str]]:
    chosen = results[(results["method"] == "none") & (results["metric"] == "acc_test")]
    by_value = chosen.groupby("at")["value"].mean()
    teacher = [float(by_value.get(label, math.nan)) for label in setups]
    parts = dict.fromkeys(k for setup in setups.values() for k, n in setup.parameters.items() if n)
    return {
        "value": list(setups),
        "rows": [str(setup.samples) for setup in setups.values()],
        "classes": [str(setup.classes) for setup in setups.values()],
        "inputs": [str(setup.inputs) for setup in setups.values()],
        "commonest class": _shares(setup.majority for setup in setups.values()),
        "linear model": _shares(setup.linear for setup in setups.values()),
        "teacher": _shares(teacher),
        "beyond chance": _shares(
            (accuracy - setup.majority) / (1 - setup.majority)
            for accuracy, setup in zip(teacher, setups.values(), strict=True)
        ),
        "qubits": [str(setup.qubits) for setup in setups.values()],
        "depth": [str(setup.depth) for setup in setups.values()],
        "CZ gates": [str(setup.two_qubit) for setup in setups.values()],
        **{
            f"{part} parameters": [str(setup.parameters.get(part, 0)) for setup in setups.values()]
            for part in parts
        },
    }


def unlike(setups: Mapping[str, Setup]) -> list[str]:
    """Sentences on what a change between values may be due to beside what was meant."""
    sentences = []
    classes = list(dict.fromkeys(setup.classes for setup in setups.values()))
    if len(classes) > 1:
        sentences.append(
            f"Values have {_listed(classes)} classes: accuracies have another chance level, and "
            "KL, JS and entropies another scale. Changes are tested only between values with the "
            "same number of classes; methods are compared within a value."
        )
    if len({setup.rows for setup in setups.values()}) > 1:
        sentences.append(
            "Values have other rows of data: where they do, seeds are not paired, and changes are "
            "tested as those of independent samples (Welch)."
        )
    sizes = [sum(setup.parameters.values()) for setup in setups.values()]
    if len(set(sizes)) > 1:
        sentences.append(
            f"Networks have {min(sizes)} to {max(sizes)} trainable parameters: a change may be "
            "due to their number."
        )
    return sentences


def _shares(values: Iterable[float]) -> list[str]:
    return ["–" if math.isnan(value) else number(value) for value in values]


def _listed(numbers: list[int]) -> str:
    *first, last = map(str, sorted(numbers))
    return f"{', '.join(first)} and {last}"
