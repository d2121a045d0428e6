"""Backends that a caller of the Python interface gives by options, kept for all to find."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qhu import registry
from qhu.errors import UserError, brief
from qhu.record.documents import read_document, write_document
from qhu.record.files import replacing
from qhu.record.identity import digest
from qhu.registry.options import plain_values

FOLDER = Path("runs/.backends")
"""Where the options are kept, as entries of ``backends.yaml`` are written."""
_NAME = re.compile(r"\w+-[0-9a-f]{8}")


def keep(options: Mapping[str, Any]) -> str:
    """Keep the options of a backend; the name by which it is found from here on.

    Args:
        options: as an entry of ``backends.yaml`` has them, ``kind`` among them.

    Raises:
        UserError: an option is wrong, or there is no such kind.
    """
    entry = plain_values(options)
    kind = entry.pop("kind", None)
    if not isinstance(kind, str):
        raise UserError(f"backend: give the options their kind, such as aer (got {brief(options)})")
    checked = registry.backend.options(kind, entry).model_dump(mode="json", exclude_defaults=True)
    entry = {"kind": kind, **checked}
    name = f"{kind}-{digest(entry)[:8]}"
    if not _file(name).exists():
        with replacing(_file(name)) as partial:
            partial.write_text(write_document(entry), encoding="utf-8")
    return name


def kept(name: str) -> dict[str, Any] | None:
    """The options behind a name that :func:`keep` gave; None for every other."""
    ours = _NAME.fullmatch(name) and _file(name).exists()
    return dict(read_document(_file(name))) if ours else None


def _file(name: str) -> Path:
    return FOLDER / f"{name}.yaml"
