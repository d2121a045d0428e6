"""How a name becomes a backend: entries of ``backends.yaml``, kinds, and devices."""

from pathlib import Path
from typing import Any

from qhu import registry
from qhu.backends import given
from qhu.backends.base import STAGES, Backend
from qhu.backends.paid import PaidBackend
from qhu.backends.reserved import check_entry
from qhu.errors import UnknownName, UserError, brief, inside
from qhu.hardware.access import Access
from qhu.record.documents import read_document
from qhu.record.naming import refuse_names
from qhu.settings.overrides import Override
from qhu.settings.shipped import BACKENDS

BACKENDS_FILE = Path("backends.yaml")
"""In the working folder: its entries come before those of the file that ships with qhu."""


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
    entries = _entries(file)
    try:
        made = _made(name, entries)
    except UserError as error:
        if error.path[:1] != (name,):  # it is no option
            raise
        source = own_file(name, file) or BACKENDS
        raise error.at(f"{source}: {name}" if _entry(name, entries) in entries else name) from None
    if isinstance(made, PaidBackend) and access is not None:
        made.access = access
    return made


def device_of(name: str, file: Path = BACKENDS_FILE) -> str | None:
    """The device, or ``auto``, that a backend works on; None for simulators.

    Raises:
        UserError: as :func:`open_backend`.
    """
    backend = open_backend(name, file)
    return backend.device if isinstance(backend, PaidBackend) else None


def known_backends(file: Path = BACKENDS_FILE) -> dict[str, str]:
    """Names for :func:`open_backend`, each explained in a line: entries by their figures.

    Raises:
        UserError: as :func:`open_backend`.
    """
    summaries = {name: registry.backend[name].summary for name in registry.backend.names()}
    entries = _entries(file)
    for name in entries:
        kind, _ = _resolve(name, entries)
        figures = _made(name, entries).figures
        own = summaries.get(name, kind).rstrip(".")
        summaries[name] = f"{own}: {figures}" if figures else f"{own}."
    summaries["fake_DEVICE"] = "Noisy twin of any device snapshot shipped with qiskit-ibm-runtime."
    summaries["ibm_DEVICE"] = "Any device of your account, with the options of the entry ibm."
    summaries["auto"] = "The device of your account that suits the circuit best today."
    return summaries


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
    chosen = open_backend(name).stages if stages is None else tuple(stages.split(","))
    for stage in chosen:
        if stage not in STAGES:
            raise UnknownName("stage", stage, STAGES)
    return [Override(f"stages.{stage}={name}", f"--backend {name}") for stage in chosen]


def _made(name: str, entries: dict[str, Any]) -> Backend:
    kind, options = _resolve(name, entries)
    with inside(name):
        checked = registry.backend.options(kind, options)
    made: Backend = registry.backend[kind].make(name, checked)
    return made


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
    if (kept := given.kept(name)) is not None:
        return kept.pop("kind"), kept
    raise UnknownName("backend", name, [*entries, *registry.backend.names()])


def _entry(name: str, entries: dict[str, Any]) -> str:
    """The entry that a name would follow: devices without one of their own share ``ibm``."""
    device = name.startswith("ibm_") or name == "auto"
    return "ibm" if device and name not in entries else name


def _entries(file: Path) -> dict[str, Any]:
    """Entries by name: those of the file, then the shipped ones of other names."""
    files = reversed(entry_files(file))
    entries = {name: entry for where in files for name, entry in _entries_of(where).items()}
    refuse_names(entries, f"entries of {' and '.join(map(str, entry_files(file)))}")
    return entries


def _entries_of(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    entries = read_document(file) or {}
    if not isinstance(entries, dict):
        raise UserError(f"{file} must map backend names to their options")
    refuse_names(entries, f"entries of {file}")
    for name, entry in entries.items():
        if not isinstance(entry or {}, dict):
            raise UserError(f"{file}: the entry {brief(name)} must be a mapping of options")
        check_entry(name, entry or {}, str(file))
    return entries
