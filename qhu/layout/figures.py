"""What a device tells of itself, as it may come: missing, of another kind, or impossible.

What is no figure is None, "not known", for whoever reads it to count at its worst.
"""

import math
import sys
from dataclasses import dataclass
from typing import Any

from qiskit.transpiler import InstructionProperties, Target

from qhu.errors import UserError

DEFAULT_DELAY = 250e-6
"""Seconds between executions where a device does not say."""


def figure(value: Any, most: float = sys.float_info.max) -> float | None:
    """A number from 0 to ``most``; None for everything else, text and truth values included."""
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if numeric and 0 <= value <= most else None


@dataclass(frozen=True)
class Pace:
    """Seconds between executions that a device takes.

    Attributes:
        default: where nothing else is asked for.
        least: at least.
        most: at most; infinite where the device does not say.
    """

    default: float
    least: float
    most: float

    def of(self, asked: float | None, device: str) -> float:
        """The delay that is asked for, or the default.

        Raises:
            UserError: the device does not take it.
        """
        if asked is None:
            return self.default
        if not self.least <= asked <= self.most:
            raise UserError(
                f"rep_delay {asked:g} is outside what {device} takes, {self.least:g} to "
                f"{self.most:g} s: set it within, or leave it out for {self.default:g} s"
            )
        return asked


def pace(configuration: Any) -> Pace:
    """Seconds between executions, by a device's configuration; what is no time is as if not told.

    Args:
        configuration: with ``default_rep_delay`` and ``rep_delay_range`` in seconds, or without.
    """
    bounds = getattr(configuration, "rep_delay_range", None)
    listed = bounds if isinstance(bounds, list | tuple) and len(bounds) == 2 else (None, None)
    low, high = (figure(value) for value in listed)
    default = figure(getattr(configuration, "default_rep_delay", None))
    if low is None or high is None or low > high:
        low, high = 0.0, math.inf
    return Pace(DEFAULT_DELAY if default is None else default, low, high)


def usable(target: Target) -> Target:
    """The target with figures that can be reckoned with.

    An error that is no probability is 1, the platform's own mark of what is not calibrated, and so
    is one that is missing of a readout, of a gate on two qubits, or of a gate that has one
    elsewhere. A duration that is none is not known.

    Args:
        target: as the platform tells it; changed in place.
    """
    for name in target.operation_names:
        figured = {where: f for where, f in (target[name] or {}).items() if where is not None}
        calibrated = any(f is not None and f.error is not None for f in figured.values())
        for where, figures in figured.items():
            error = figure(figures and figures.error, most=1.0)
            if error is None and (calibrated or name == "measure" or len(where) > 1):
                error = 1.0
            duration = figure(figures and figures.duration)
            if figures is not None or error is not None:
                own = InstructionProperties(duration=duration, error=error)
                target.update_instruction_properties(name, where, own)
    return target
