"""Tasks and networks that the values of an ablation may be made of."""

import math

from qhu.report.ablation.setup import Setup

USUAL = {
    "rows": "r",
    "samples": 150,
    "classes": 3,
    "inputs": 4,
    "majority": 1 / 3,
    "linear": math.nan,
    "qubits": 4,
    "depth": 30,
    "two_qubit": 8,
    "parameters": {"front": 0, "quantum": 24, "head": 131},
}


def make_setups(labels, **changes):
    """Setups by label: one task and network, but for what is given by name and label."""
    own = {name: {**dict.fromkeys(labels, USUAL[name]), **by} for name, by in changes.items()}
    return {
        label: Setup(**{**USUAL, **{name: by[label] for name, by in own.items()}})
        for label in labels
    }
