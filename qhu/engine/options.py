"""Options of estimators, where Qiskit keeps them."""

from dataclasses import dataclass


@dataclass
class EstimatorOptions:
    """What executors of other libraries read and set as ``estimator.options``.

    Attributes:
        default_precision: standard error aimed at where neither the call nor the PUB gives one; 0
            for exact values.
    """

    default_precision: float = 0.0
