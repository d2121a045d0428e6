"""Finished stages by key: computed once, found again by whoever asks."""

import contextlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from numpy.typing import NDArray

from qhu.errors import UserError, fatal
from qhu.record.files import OWNER_ALONE, Damaged, read_plain, replacing, written
from qhu.record.json_text import json_text
from qhu.record.stage import Stage, packed, unpacked

CLOCK = ".seconds"
"""Ending of the file beside a stage that says how long computing it took."""
LONGEST_CLOCK = 40
"""Bytes of such a file."""


class Store:
    """A folder with one safetensors file per finished stage, named by the stage's key.

    Beside it lies how long computing it took: not in it, for a stage that is computed again has
    the same bytes.

    A file that is not the stage that was written, unchanged to the last bit, is put aside with a
    line on standard error, and the stage counts as not kept: whoever needs it computes it again.

    Args:
        root: the folder; made when the first stage is kept, for its owner alone.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, key: str) -> Path:
        """File of a stage."""
        return self.root / key[:2] / f"{key}.safetensors"

    def files(self, key: str) -> list[Path]:
        """The file of a stage and those about it, as far as they are there."""
        return sorted(self.path(key).parent.glob(f"{key}.*"))

    def __contains__(self, key: str) -> bool:
        return self.find(key) is not None

    def find(self, key: str) -> Stage | None:
        """The stage ``key``, or None where it is not kept.

        Raises:
            UserError: the disk cannot be read, or a damaged file cannot be put aside.
        """
        path = self.path(key)
        try:
            if path.is_symlink():
                raise Damaged("it is a link")
            return unpacked(read_plain(path), key)
        except FileNotFoundError:
            return None
        except Damaged as error:
            _put_aside(path, str(error))
            return None
        except OSError as error:  # of the machine, say too many open files: no fault of the file
            with fatal():
                raise UserError(
                    f"cannot read {path}: {error.strerror}; mend it and run again"
                ) from None

    def get(self, key: str, compute: Callable[[], tuple[dict[str, Any], dict[str, Any]]]) -> Stage:
        """The stage ``key``; ``compute`` (arrays, facts) runs only where it is not yet kept."""
        stage = self.find(key)
        if stage is None:
            begun = time.perf_counter()
            arrays, facts = compute()
            self.put(key, arrays, facts, time.perf_counter() - begun)
            stage = self.load(key)
        return stage

    def put(
        self,
        key: str,
        arrays: dict[str, NDArray[Any]],
        facts: dict[str, Any],
        seconds: float | None = None,
    ) -> None:
        """Keep a stage; the file appears whole or not at all.

        Args:
            key: of the stage.
            arrays: its arrays.
            facts: what there is to say of them, as JSON has it.
            seconds: how long computing it took; None: that is not known.
        """
        path, content = self.path(key), packed(Stage(key, arrays, facts))
        with self.private(path) as partial:
            partial.write_bytes(content)
        if seconds is not None:
            with self.private(path.with_suffix(CLOCK)) as partial:
                partial.write_text(f"{seconds:.4g}\n", encoding="utf-8")

    def seconds(self, key: str) -> float | None:
        """How long computing a stage took on one thread; None where that was not recorded."""
        try:
            return float(read_plain(self.path(key).with_suffix(CLOCK), LONGEST_CLOCK))
        except (FileNotFoundError, ValueError):  # Damaged is a ValueError
            return None

    def load(self, key: str) -> Stage:
        """Read a stage that exists.

        Raises:
            UserError: it does not, or has been damaged since it was found.
        """
        stage = self.find(key)
        if stage is None:
            raise UserError(f"{self.path(key)} has gone since it was needed: run again")
        return stage

    def private(self, path: Path) -> contextlib.AbstractContextManager[Path]:
        """As :func:`replacing`, for a file of a folder of the store: its owner's alone."""
        with written(path):
            self.root.parent.mkdir(parents=True, exist_ok=True)
            for folder in (self.root, path.parent):
                folder.mkdir(mode=0o700, exist_ok=True)
        return replacing(path, OWNER_ALONE)


class MemoryStore(Store):
    """Stages kept in memory, as long as the store lives.

    Args:
        below: a store whose stages are found here too; nothing is written to it.
    """

    def __init__(self, below: Store | None = None) -> None:
        self._below = below
        self._stages: dict[str, Stage] = {}
        self._seconds: dict[str, float | None] = {}

    def find(self, key: str) -> Stage | None:
        """The stage ``key``, or None where it is not kept."""
        if key in self._stages or self._below is None:
            return self._stages.get(key)
        return self._below.find(key)

    def put(
        self,
        key: str,
        arrays: dict[str, NDArray[Any]],
        facts: dict[str, Any],
        seconds: float | None = None,
    ) -> None:
        """Keep a stage."""
        self._stages[key] = Stage(key, arrays, json.loads(json_text(facts)))
        self._seconds[key] = seconds

    def seconds(self, key: str) -> float | None:
        """How long computing a stage took; None where that was not recorded."""
        if key in self._seconds or self._below is None:
            return self._seconds.get(key)
        return self._below.seconds(key)


def _put_aside(path: Path, why: str) -> None:
    """Give a damaged file another name, and say so."""
    aside = path.with_name(f"{path.name}.{uuid4().hex[:8]}.damaged")
    with written(path), contextlib.suppress(FileNotFoundError):  # another process was faster
        path.rename(aside)
    sys.stderr.write(f"qhu: {path} is damaged ({why}): put aside as {aside.name}, computed again\n")
