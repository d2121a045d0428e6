"""Devices: what the platform tells about them, made from the snapshots of the runtime package."""

import copy
import json
import math
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from qiskit.transpiler import Target
from qiskit_ibm_runtime.models import BackendConfiguration
from qiskit_ibm_runtime.utils.backend_converter import convert_to_target
from qiskit_ibm_runtime.utils.backend_decoder import (
    decode_backend_configuration,
    properties_from_server_data,
)

from qhu.layout.snapshots import fake_name, snapshot
from qhu.seeding import numpy_stream

DRIFT = 0.2
"""Standard deviation of the logarithm of what a calibration changes."""
_DRIFTING = {"T1", "T2", "gate_error", "prob_meas0_prep1", "prob_meas1_prep0"}


class EmulatedDevice:
    """One device of the platform.

    Version 0 of its calibration is the snapshot's. Every later one multiplies T1, T2, gate and
    readout errors of the snapshot by factors exp(N(0, ``DRIFT``)), each drawn on its own.

    Args:
        device: such as ``fake_brisbane`` or ``ibm_brisbane``.
        seed: root of the later calibrations.

    Attributes:
        name: as the platform calls it, ``ibm_brisbane``.

    Raises:
        UnknownName: no snapshot of such a device ships.
    """

    def __init__(self, device: str, seed: int) -> None:
        self._snapshot, self._seed = snapshot(fake_name(device)), seed
        self.name = "ibm_" + fake_name(device).removeprefix("fake_")
        self.target = lru_cache(self._target)

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """Configuration as served: the snapshot's, but for the name and the description."""
        raw = self._read(self._snapshot.conf_filename)
        return {
            **raw,
            "backend_name": self.name,
            "description": f"EMULATED from the snapshot {self._snapshot.name}",
        }

    @property
    def default_rep_delay(self) -> float:
        """Pause between two shots, seconds."""
        return float(self.configuration["default_rep_delay"]) * 1e-6

    @property
    def dt(self) -> float:
        """Length of a time step, seconds."""
        return float(self.configuration["dt"]) * 1e-9

    def properties(self, version: int, date: str | None) -> dict[str, Any]:
        """Properties as served.

        Args:
            version: of the calibration.
            date: ISO time of a calibration later than the snapshot's.
        """
        raw = self._read(self._snapshot.props_filename)
        raw["backend_name"] = self.name
        if version:
            self._drift(raw, version)
        if date is not None:
            _date(raw, date)
        return raw

    def _target(self, version: int) -> Target:
        """Gates, couplings and errors under a calibration, as the client derives them."""
        configuration = copy.deepcopy(self.configuration)
        decode_backend_configuration(configuration)
        return convert_to_target(
            configuration=BackendConfiguration.from_dict(configuration),
            properties=properties_from_server_data(self.properties(version, None)),
        )

    def _read(self, file: str) -> Any:
        return json.loads(Path(self._snapshot.dirname, file).read_text(encoding="utf-8"))

    def _drift(self, raw: dict[str, Any], version: int) -> None:
        random = numpy_stream(self._seed, "calibration", self.name, version)
        for qubit in raw["qubits"]:
            values = {item["name"]: item for item in qubit}
            for name, item in values.items():
                if name in _DRIFTING:
                    item["value"] = _shifted(item["value"], random.normal(0, DRIFT))
            flips = [values[name]["value"] for name in values if name.startswith("prob_meas")]
            if flips:
                values["readout_error"]["value"] = sum(flips) / len(flips)
        for gate in raw["gates"]:
            for item in gate["parameters"]:
                if item["name"] in _DRIFTING:
                    item["value"] = _shifted(item["value"], random.normal(0, DRIFT))


def _shifted(value: float, log_factor: float) -> float:
    """The value times exp(log_factor); an error of 1 marks what is broken, and stays."""
    return value if value == 1 else value * math.exp(log_factor)


def _date(raw: dict[str, Any], date: str) -> None:
    raw["last_update_date"] = date
    parameters = [item for gate in raw["gates"] for item in gate["parameters"]]
    for item in [*parameters, *(item for qubit in raw["qubits"] for item in qubit)]:
        item["date"] = date
