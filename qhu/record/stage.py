"""A stage as a file: safetensors, sealed by a checksum over every byte of it."""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from qhu.record.files import Damaged
from qhu.record.json_text import json_text

BLANK = b"0" * 64
SEAL = re.compile(rb'{\\"sha256\\": \\"([0-9a-f]{64})\\"')
"""Where the header, JSON inside JSON, holds the checksum."""


@dataclass(frozen=True)
class Stage:
    """A finished stage: named arrays and JSON-serialisable facts about them."""

    key: str
    arrays: dict[str, NDArray[Any]]
    facts: dict[str, Any]


def packed(stage: Stage) -> bytes:
    """The content of a stage's file.

    Its metadata are one entry, because safetensors writes several in any order. The checksum is
    SHA-256 of the content with zeros in the checksum's place: arrays, facts, key and layout.
    """
    about = {"sha256": BLANK.decode(), "key": stage.key, "facts": stage.facts}
    contiguous = {name: np.asarray(array, order="C") for name, array in stage.arrays.items()}
    content = save(contiguous, {"stage": json_text(about)})
    start, end = _seal(content).span(1)
    return b"".join([content[:start], _checksum(content).encode(), content[end:]])


def is_stage(content: bytes) -> bool:
    """Whether a file that safetensors reads says that it is a stage."""
    size = int.from_bytes(content[:8], "little")
    return "stage" in (json.loads(content[8 : 8 + size]).get("__metadata__") or {})


def unpacked(content: bytes, key: str | None = None) -> Stage:
    """The stage in a file.

    Args:
        content: of the file.
        key: of the stage that it must be; None: any.

    Raises:
        Damaged: it is not that stage, unchanged to the last bit.
    """
    if _seal(content)[1].decode() != _checksum(content):
        raise Damaged("its checksum differs")
    size = int.from_bytes(content[:8], "little")
    about = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["stage"])
    if key not in (None, about["key"]):
        raise Damaged(f"it holds the stage {about['key']}")
    return Stage(about["key"], load(content), about["facts"])


def _seal(content: bytes) -> re.Match[bytes]:
    if seal := SEAL.search(content):
        return seal
    raise Damaged("it holds no stage with a checksum")


def _checksum(content: bytes) -> str:
    start, end = _seal(content).span(1)
    whole = memoryview(content)
    checksum = hashlib.sha256(whole[:start])
    checksum.update(BLANK)
    checksum.update(whole[end:])
    return checksum.hexdigest()
