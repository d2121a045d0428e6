"""What every backend offers, and how a name becomes one."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import yaml
from qiskit_machine_learning.connectors import TorchConnector

from qhu import registry
from qhu.backends.access import Access
from qhu.backends.isa import IsaAnsatz
from qhu.engine.ansatz import Ansatz
from qhu.errors import UnknownName, UserError
from qhu.record.identity import identity
from qhu.shipped import BACKENDS

STAGES = ("train", "unlearn", "evaluate")
BACKENDS_FILE = Path("backends.yaml")
"""In the working folder: its entries come before those of the file that ships with qhu."""


class Backend(ABC):
    """Where expectation values come from: an exact simulator, a noisy twin, a device.

    Args:
        name: the name the user gave, shown in results.
        options: the validated options of this kind of backend.
    """

    stages: ClassVar[tuple[str, ...]] = STAGES
    """Stages the backend is meant for unless ``--stages`` says otherwise."""
    incidental: ClassVar[frozenset[str]] = frozenset()
    """Options that no value depends on, such as a budget."""

    def __init__(self, name: str, options: Any) -> None:
        self.name, self.options = name, options
        self.access = Access()

    @property
    def label(self) -> str:
        """The name in results and reports."""
        return self.name

    @property
    def identity(self) -> dict[str, Any]:
        """What values depend on: the class and its options, JSON-serialisable."""
        kind = f"{type(self).__module__}.{type(self).__qualname__}"
        return {"kind": kind, **identity(self.options, self.incidental)}

    def __getstate__(self) -> dict[str, Any]:
        """A copy in another process is opened there, with the same options and access."""
        return {"name": self.name, "options": self.options, "access": self.access}

    def __setstate__(self, state: dict[str, Any]) -> None:
        type(self).__init__(self, state["name"], state["options"])
        self.__dict__.update(state)

    @property
    def differentiable(self) -> bool:
        """Whether layers are plain tensor operations: vmap, ``torch.func``, second derivatives."""
        return False

    @property
    def sampled(self) -> bool:
        """Whether values are random draws, from the seed that the layer is given."""
        return False

    @abstractmethod
    def layer(self, ansatz: Ansatz, seed: int) -> TorchConnector:
        """Trainable quantum layer: inputs (..., I) to expectation values (..., M).

        Args:
            ansatz: circuit, parameters and observables.
            seed: root of the layer's shot noise; unused where values are exact.
        """

    @classmethod
    def recorded(cls, effective: Mapping[str, Any], ansatz: Ansatz) -> IsaAnsatz | None:
        """The circuit of a finished run with the noise that was known, from the run's record alone.

        Args:
            effective: what :meth:`effective` said.
            ansatz: circuit, parameters and observables.

        Returns:
            None where no noise is known: an exact simulator.

        Raises:
            UserError: the record cannot be followed here.
        """
        return None

    @abstractmethod
    def effective(self) -> dict[str, Any]:
        """Options as they took effect, JSON-serialisable, for ``run.json``."""


def open_backend(name: str, file: Path = BACKENDS_FILE, access: Access | None = None) -> Backend:
    """Backend called ``name``: an entry of ``backends.yaml``, a kind, or a device.

    Args:
        name: ``fake_*`` is the noisy twin of a device, ``ibm_*`` the device itself.
        file: where entries are, beside those that ship with qhu; the file's come first.
        access: how devices are reached.

    Raises:
        UserError: the file does not parse, or the options are wrong.
        UnknownName: no such backend.
    """
    kind, options = _resolve(name, _entries(file))
    made: Backend = registry.backend[kind].make(name, registry.backend.options(kind, options))
    made.access = access or made.access
    return made


def known_backends(file: Path = BACKENDS_FILE) -> dict[str, str]:
    """Names for :func:`open_backend`, each explained in a line."""
    kinds = {name: registry.backend[name].summary for name in registry.backend.names()}
    known = dict(kinds)
    for name, entry in _entries(file).items():
        options = dict(entry or {})
        kind = options.pop("kind", name)
        listed = ", ".join(f"{key}: {value}" for key, value in options.items())
        summary = registry.backend[kind].summary
        known[name] = f"{summary} {{{listed}}}" if listed else summary
    known["fake_DEVICE"] = "Noisy twin of any device snapshot shipped with qiskit-ibm-runtime."
    known["ibm_DEVICE"] = "Any device of your account, with the options of the entry ibm."
    known["auto"] = "The device of your account that suits the circuit best today."
    return known


def entry_files(file: Path = BACKENDS_FILE) -> list[Path]:
    """Files that entries are read from, the shipped one last; in a clone both may be the same."""
    own = file.exists() and file.resolve() != BACKENDS.resolve()
    return [file, BACKENDS] if own else [BACKENDS]


def own_file(name: str, file: Path = BACKENDS_FILE) -> Path | None:
    """The file whose entry :func:`open_backend` follows, where that is not the shipped one."""
    first, *others = entry_files(file)
    return first if others and _entry(name, _entries(file)) in _entries_of(first) else None


def stage_overrides(name: str | None, stages: str | None) -> list[str]:
    """Overrides that put stages on a backend: the given ones, else those it is meant for.

    Raises:
        UserError: stages without a backend, or an unknown stage.
    """
    if name is None:
        if stages is not None:
            raise UserError("--stages says where --backend is used: give --backend too")
        return []
    chosen = tuple(stages.split(",")) if stages else open_backend(name).stages
    for stage in chosen:
        if stage not in STAGES:
            raise UnknownName("stage", stage, STAGES)
    return [f"stages.{stage}={name}" for stage in chosen]


def _resolve(name: str, entries: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if name in entries:
        options = dict(entries[name] or {})
        return options.pop("kind", name), options
    if name in registry.backend.names():
        return name, {}
    if name.startswith("fake_"):
        return "aer", {"device": name}
    if (shared := _entry(name, entries)) != name:
        common = dict(entries.get(shared) or {})
        return common.pop("kind", shared), {**common, "device": name}
    raise UnknownName("backend", name, [*entries, *registry.backend.names()])


def _entry(name: str, entries: dict[str, Any]) -> str:
    """The entry that a name would follow: devices without one of their own share ``ibm``."""
    device = name.startswith("ibm_") or name == "auto"
    return "ibm" if device and name not in entries else name


def _entries(file: Path) -> dict[str, Any]:
    """Entries by name: those of the file, then the shipped ones of other names."""
    files = reversed(entry_files(file))
    return {name: entry for where in files for name, entry in _entries_of(where).items()}


def _entries_of(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        entries = yaml.safe_load(file.read_text()) or {}
    except yaml.YAMLError as error:
        raise UserError(f"{file} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(entries, dict):
        raise UserError(f"{file} must map backend names to their options")
    return entries
