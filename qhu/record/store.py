"""Finished stages by key: computed once, found again by whoever asks."""

import contextlib
import errno
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from qhu.errors import UserError


@dataclass(frozen=True)
class Stage:
    """A finished stage: named arrays and JSON-serialisable facts about them."""

    key: str
    arrays: dict[str, NDArray[Any]]
    facts: dict[str, Any]


class Store:
    """A folder with one safetensors file per finished stage, named by the stage's key.

    Args:
        root: the folder; made when the first stage is kept.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, key: str) -> Path:
        """File of a stage."""
        return self.root / key[:2] / f"{key}.safetensors"

    def __contains__(self, key: str) -> bool:
        return self.path(key).exists()

    def get(self, key: str, compute: Callable[[], tuple[dict[str, Any], dict[str, Any]]]) -> Stage:
        """The stage ``key``; ``compute`` (arrays, facts) runs only where it is not yet kept."""
        if key not in self:
            self.put(key, *compute())
        return self.load(key)

    def put(self, key: str, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        """Keep a stage; the file appears whole or not at all."""
        contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
        with replacing(self.path(key)) as partial:
            partial.write_bytes(save(contiguous, {"facts": json.dumps(facts)}))

    def load(self, key: str) -> Stage:
        """Read a stage that exists.

        Raises:
            UserError: the file is unreadable or truncated.
        """
        return read_stage(self.path(key))

    def show(self, key: str, target: Path) -> None:
        """Copy a stage's file to ``target``: whoever changes the copy does not change the stage."""
        with replacing(target) as partial:
            shutil.copyfile(self.path(key), partial)


class MemoryStore(Store):
    """Stages kept in memory, as long as the store lives.

    Args:
        below: a store whose stages are found here too; nothing is written to it.
    """

    def __init__(self, below: Store | None = None) -> None:
        self._below = below
        self._stages: dict[str, Stage] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._stages or (self._below is not None and key in self._below)

    def put(self, key: str, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        """Keep a stage."""
        self._stages[key] = Stage(key, arrays, json.loads(json.dumps(facts)))

    def load(self, key: str) -> Stage:
        """A stage that exists."""
        if key in self._stages or self._below is None:
            return self._stages[key]
        return self._below.load(key)


def read_stage(path: Path) -> Stage:
    """Read a stage's file, in the store or shown elsewhere; its name stands for the key.

    Raises:
        UserError: the file is unreadable or truncated.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            facts = json.loads((file.metadata() or {})["facts"])
    except (SafetensorError, OSError, KeyError, json.JSONDecodeError) as error:
        raise UserError(
            f"{path} is unreadable or truncated ({error}): delete it and run again"
        ) from None
    return Stage(path.stem, arrays, facts)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path that becomes ``path`` when the block ends well, and vanishes otherwise.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(f"no space left for {path}: free some and run again") from None
        if error.errno in (errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EPERM):
            raise UserError(
                f"cannot write {path}: {error.strerror}; choose another --out"
            ) from None
        raise
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
