"""Arrays in an ``.npz`` archive, measured before they are read."""

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from qhu.data.base import MAX_BYTES
from qhu.errors import UserError

NAMES = ("x", "y", "classes", "features", "remarks")
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays :data:`NAMES` of an archive, as far as they are there.

    Only what their headers claim and the archive holds in fact is unpacked; other members, and
    where their names lead, are left alone.

    Args:
        path: the archive; names of its arrays may be in either case.

    Raises:
        UserError: it is damaged, holds Python objects, or an array is too large.
        OSError: the file cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            arrays: dict[str, np.ndarray] = {}
            for member in archive.infolist():
                name = member.filename.lower().removesuffix(".npy")
                if name in NAMES:
                    if name in arrays:
                        raise UserError(f"{path} holds the array {name} twice: keep one")
                    _measure(path, archive, member)
                    with archive.open(member) as file:
                        arrays[name] = np.lib.format.read_array(file, allow_pickle=False)
            return arrays
    except (UserError, OSError):
        raise
    except Exception as error:  # zipfile, its codecs and NumPy raise any of many
        raise UserError(
            f"{path} is damaged, no .npz file, or holds Python objects "
            f"({type(error).__name__}): save it with numpy.savez"
        ) from None


def _measure(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Refuse an array whose header does not fit what the archive says, or that is too large."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version not in _HEADERS:
            raise ValueError(version)
        shape, _, dtype = _HEADERS[version](file)
        start = file.tell()
    size = _size(shape, dtype)
    if size > MAX_BYTES or math.prod(shape) * 8 > MAX_BYTES:
        raise UserError(
            f"{path}: the array {member.filename} of shape {shape} is larger than "
            f"{MAX_BYTES:,} bytes as float64: keep fewer rows or features"
        )
    if size != member.file_size - start:
        raise ValueError(shape)


def _size(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    if dtype.hasobject or min(shape, default=0) < 0:
        raise ValueError(dtype)
    return math.prod(shape) * dtype.itemsize
