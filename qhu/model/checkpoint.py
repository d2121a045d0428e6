"""Files of models that strangers made: read as numbers, never as code."""

import io
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.torch
import torch
from safetensors import SafetensorError

from qhu.errors import UserError
from qhu.record.documents import read_bounded
from qhu.record.files import checksum
from qhu.record.stage import Stage, is_stage, unpacked

MAX_BYTES = 100_000_000
"""Of a model's file, unpacked; the largest one of a shipped experiment has a hundredth of it."""
NESTED = ("state_dict", "model_state_dict")
"""Where training scripts keep the tensors beside other things."""
KEY = re.compile("[0-9a-f]{16}")
EXPECTED = "expected what torch.save(net.state_dict(), FILE) writes"


class ModelFile(NamedTuple):
    """What a file holds.

    Attributes:
        tensors: by name.
        sha256: checksum of the file.
        stage: the stage that it is, where a run wrote it.
    """

    tensors: Mapping[Any, Any]
    sha256: str
    stage: Stage | None = None


def read_model(path: Path) -> ModelFile:
    """The tensors of a file: safetensors, or a ``state_dict`` that ``torch.save`` wrote.

    Args:
        path: ``*.safetensors``, ``*.pt`` or ``*.pth``.

    Raises:
        UserError: it cannot be read, is too large, or holds anything but tensors.
    """
    kind = path.suffix.lower()
    if kind not in (".safetensors", ".pt", ".pth"):
        raise UserError(f"{path} is no model: its name must end in .safetensors, .pt or .pth")
    content = read_bounded(path, MAX_BYTES)
    try:
        if kind == ".safetensors":
            tensors = safetensors.torch.load(content)
            return ModelFile(tensors, checksum(content), _stage(content))
        return ModelFile(_state_dict(unpickled(content)), checksum(content))
    except (ValueError, SafetensorError, KeyError) as error:  # KeyError: a dtype that torch has not
        raise UserError(f"{path} is no model that can be read: {_first_line(error)}") from None


def unpickled(content: bytes) -> Any:
    """What ``torch.save`` wrote: tensors and plain containers; nothing in it is run.

    Raises:
        ValueError: it is too large or holds anything else; the message says what.
    """
    file, size = io.BytesIO(content), len(content)
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                size = max(size, sum(member.file_size for member in archive.infolist()))
        if size > MAX_BYTES:
            raise ValueError(f"it has {size:,} bytes, more than {MAX_BYTES:,}")
        file.seek(0)
        with warnings.catch_warnings():  # what it warns of it refuses, too
            warnings.simplefilter("ignore")
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        objects = "global" in str(error).lower()  # torch's word for classes and functions
        reason = "it holds Python objects, such as a whole module" if objects else "it is damaged"
        raise ValueError(f"{reason}; {EXPECTED}") from None
    except Exception as error:  # torch documents no exceptions for foreign files: any of many
        raise ValueError(_first_line(error)) from None


def _stage(content: bytes) -> Stage | None:
    """The stage in a safetensors file; None where no run wrote it.

    Raises:
        ValueError: it says that it is one, and is not, unchanged.
    """
    if not is_stage(content):
        return None
    try:
        stage = unpacked(content)
    except (KeyError, TypeError, RecursionError):  # metadata of a stranger's making
        stage = None
    if stage is None or not isinstance(stage.facts, dict) or not KEY.fullmatch(str(stage.key)):
        raise ValueError("it says that a run wrote it, and holds something else")
    return stage


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0].split(". ", 1)[0]


def _state_dict(held: Any) -> Mapping[Any, Any]:
    """The tensors by name in what a file holds.

    Raises:
        ValueError: it holds none, or two sets of them.
    """
    nested = [key for key in NESTED if key in held] if isinstance(held, Mapping) else []
    if len(nested) > 1:
        raise ValueError(f"it holds {' and '.join(nested)}: leave one of them")
    tensors = held[nested[0]] if nested else held
    if not isinstance(tensors, Mapping):
        raise ValueError(f"it holds a {type(tensors).__name__}; {EXPECTED}")
    return tensors
