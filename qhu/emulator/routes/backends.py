"""Devices: list, configuration, properties, status."""

from typing import Any

from qhu.emulator.http import Request, routes
from qhu.emulator.platform import EmulatedPlatform, seconds_of


@routes("GET", "/backends")
def backends(platform: EmulatedPlatform, request: Request) -> Any:
    """Every device that the instance may use."""
    shown = [d for d in platform.devices.values() if platform.available[d.name].state != "retired"]
    return {"devices": [_line(platform, device.name) for device in shown]}


@routes("GET", "/backends/{}/configuration")
def configuration(platform: EmulatedPlatform, request: Request, name: str) -> Any:
    """Qubits, gates, couplings; they are the same under every calibration."""
    platform.device(name)
    platform.asked(name, request.first("calibration_id"))
    return platform.device(name).configuration


@routes("GET", "/backends/{}/properties")
def properties(platform: EmulatedPlatform, request: Request, name: str) -> Any:
    """The calibration: the newest one, the newest before a date, or the one that is named."""
    device, date = platform.device(name), request.first("updated_before")
    before = None if date is None else seconds_of(date)
    version = platform.asked(name, request.first("calibration_id"), before)
    return device.properties(version, platform.calibrated(name, version))


@routes("GET", "/backends/{}/status")
def status(platform: EmulatedPlatform, request: Request, name: str) -> Any:
    """Whether the device runs jobs, and how many wait."""
    device = platform.device(name)
    runs = platform.available[name].runs
    return {
        "state": runs,
        "status": "active" if runs else "maintenance",
        "message": "",
        "length_queue": _waiting(platform, name),
        "backend_version": device.configuration["backend_version"],
    }


def _line(platform: EmulatedPlatform, name: str) -> dict[str, Any]:
    runs, raw = platform.available[name].runs, platform.devices[name].configuration
    return {
        "name": name,
        "status": {"name": "online" if runs else "paused", "reason": "available" if runs else ""},
        "qubits": raw["n_qubits"],
        "physical_qubits": raw["n_qubits"],
        "queue_length": _waiting(platform, name),
        "is_simulator": False,
        "processor_type": raw.get("processor_type"),
        "clops": {"value": raw.get("clops_h"), "type": "clops_h"},
    }


def _waiting(platform: EmulatedPlatform, name: str) -> int:
    return int(platform.store.jobs.total("1", "device = ? AND status = 'Queued'", [name]))
