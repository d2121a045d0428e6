"""IDX files, the form that MNIST and its relatives are published in, gzipped or raw."""

import gzip
import math
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from qhu.data.base import MAX_BYTES, Dataset
from qhu.data.subset import balanced_rows
from qhu.errors import UserError
from qhu.registry import Options, dataset

Bytes = NDArray[np.uint8]
PARTS = ("train", "t10k")
DIMENSIONS = {"images": 3, "labels": 1}


class IdxOptions(Options):
    """Options of an IDX folder."""

    folder: str
    """folder with ``train-images-idx3-ubyte`` and ``train-labels-idx1-ubyte``, with or without
    ``.gz``; the two ``t10k-…`` files are appended where they exist"""
    per_class: int | None = None
    """keep so many images of each class, chosen by the rule of arXiv 2512.19253; null: all"""


@dataset("idx")
def idx(options: IdxOptions) -> Dataset:
    """A folder of IDX files with MNIST's names; short form `source: idx:FOLDER`."""
    x, y = read_folder(Path(options.folder))
    if options.per_class is not None:
        chosen = balanced_rows(y, options.per_class)
        x, y = x[chosen], y[chosen]
    names = tuple(map(str, range(int(y.max()) + 1)))
    return Dataset(x.astype(np.float64), y.astype(np.int64), names)


def read_folder(folder: Path) -> tuple[Bytes, Bytes]:
    """Images (N, height, width) and labels (N,): the training part, then the test part.

    Raises:
        UserError: a file is missing, damaged or not what its name says.
    """
    parts = [_read_part(folder, part) for part in PARTS if part == "train" or _has(folder, part)]
    shapes = {images.shape[1:] for images, _ in parts}
    if len(shapes) > 1:
        raise UserError(f"{folder}: the images of train and t10k differ in size: {sorted(shapes)}")
    x, y = (np.concatenate(side) for side in zip(*parts, strict=True))
    if not x.size:
        raise UserError(f"{folder}: the files hold no images")
    return x, y


def read_idx(path: Path, holds: str) -> Bytes:
    """One IDX file of unsigned bytes.

    The header is two zero bytes, 8 for unsigned bytes, the number of dimensions, and each
    dimension as a big-endian 32-bit integer (http://yann.lecun.com/exdb/mnist).

    Args:
        path: gzipped or raw file.
        holds: ``images`` (three dimensions) or ``labels`` (one).

    Raises:
        UserError: the file cannot be read, is truncated, or holds something else.
    """
    try:
        with _opened(path) as stream:
            return _read(stream, path, holds)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise UserError(f"{path} is truncated or damaged: fetch it again") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")  # type: ignore[return-value]


def _read(stream: BinaryIO, path: Path, holds: str) -> Bytes:
    """No more bytes are unpacked than the header claims."""
    start = stream.read(4)
    if start[:3] != b"\0\0\x08" or len(start) < 4:
        raise UserError(f"{path} is not an IDX file of unsigned bytes: fetch the original again")
    dimensions = start[3]
    if dimensions != DIMENSIONS[holds]:
        other = next((name for name, n in DIMENSIONS.items() if n == dimensions), "something else")
        raise UserError(f"{path} holds {other}, not {holds}: are two files swapped?")
    sizes = stream.read(4 * dimensions)
    shape = [int.from_bytes(sizes[at : at + 4]) for at in range(0, 4 * dimensions, 4)]
    count = math.prod(shape)
    if count * 8 > MAX_BYTES:
        raise UserError(
            f"{path} claims {' × '.join(map(str, shape))} values, more than "
            f"{MAX_BYTES // 8:,}: fetch the original again"
        )
    content = stream.read(count + 1)
    if len(sizes) < 4 * dimensions or len(content) != count:
        raise UserError(f"{path} is truncated or damaged: its length does not fit its header")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _read_part(folder: Path, part: str) -> tuple[Bytes, Bytes]:
    images = read_idx(_find(folder, part, "images"), "images")
    labels = read_idx(_find(folder, part, "labels"), "labels")
    if len(images) != len(labels):
        raise UserError(
            f"{folder}: {part} has {len(images)} images but {len(labels)} labels: "
            "take both from the same release"
        )
    return images, labels


def _find(folder: Path, part: str, holds: str) -> Path:
    name = f"{part}-{holds}-idx{DIMENSIONS[holds]}-ubyte"
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise UserError(f"{folder} has neither {name} nor {name}.gz: give the folder with IDX files")


def _has(folder: Path, part: str) -> bool:
    return any(folder.glob(f"{part}-*-ubyte*"))
