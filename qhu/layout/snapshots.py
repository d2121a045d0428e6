"""Snapshots of IBM devices that ship with qiskit-ibm-runtime, by name."""

from functools import lru_cache
from typing import Any

from qhu.errors import UnknownName


def fake_name(device: str) -> str:
    """Name of the snapshot of a device: ``ibm_brisbane`` and ``brisbane`` give ``fake_brisbane``.

    Raises:
        UnknownName: no snapshot of such a device ships.
    """
    name = "fake_" + device.removeprefix("fake_").removeprefix("ibm_")
    if not has_snapshot(name):
        raise UnknownName("device snapshot", name, _classes())
    return name


def has_snapshot(device: str) -> bool:
    """Whether a snapshot of the device ships."""
    return "fake_" + device.removeprefix("fake_").removeprefix("ibm_") in _classes()


@lru_cache
def snapshot(name: str) -> Any:
    """Fake backend called ``name`` (as :func:`fake_name` gives it), read once per process."""
    return _classes()[name]()


@lru_cache
def _classes() -> dict[str, type[Any]]:
    # Two seconds to import: only who names a device waits for them.
    from qiskit_ibm_runtime.fake_provider import backends

    kinds = (getattr(backends, name) for name in dir(backends) if name.startswith("Fake"))
    return {item.backend_name: item for item in kinds}
