"""MNIST and Fashion-MNIST: balanced subsets shipped with qhu, or all images from OpenML."""

import hashlib
from pathlib import Path

import numpy as np

from qhu.data.base import Dataset
from qhu.errors import QhuError, UserError
from qhu.registry import Options, dataset

DIGITS = tuple("0123456789")
CLOTHES = (
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
# Name and version on OpenML, and what content_hash gives for the official files.
OPENML = {
    "mnist": ("mnist_784", 1, "c2069063c1105f2bf96266aef1ff68c6e13bdda7a54e37bf19c16f1db24efc83"),
    "fashion_mnist": (
        "Fashion-MNIST",
        1,
        "2cbc59191665e1ba3f2494648f17edac5974f748ab89fb2ae05597d658161f54",
    ),
}


class ImageOptions(Options):
    """Options of MNIST and Fashion-MNIST."""

    full: bool = False
    """all 70,000 images, downloaded from OpenML on first use and cached by scikit-learn; false:
    the balanced subset shipped with qhu"""


@dataset("mnist", cites=["lecun1998gradient"])
def mnist(options: ImageOptions) -> Dataset:
    """Handwritten digits, 28 × 28 pixels: 2,000 shipped, 200 per class; `full: true` for 70,000."""
    return _images("mnist", options, DIGITS)


@dataset("fashion_mnist", cites=["xiao2017fashion"])
def fashion_mnist(options: ImageOptions) -> Dataset:
    """Clothes, 28 × 28 pixels: 8,000 shipped, 800 per class; `full: true` for 70,000."""
    return _images("fashion_mnist", options, CLOTHES)


def content_hash(x: np.ndarray, y: np.ndarray) -> str:
    """SHA-256 of pixels and labels as bytes, in row order."""
    parts = (np.ascontiguousarray(part, np.uint8).tobytes() for part in (x, y))
    return hashlib.sha256(b"".join(parts)).hexdigest()


def shipped(name: str) -> Path:
    """Archive with the subset of a dataset: pixels ``x`` (N, 28, 28) and labels ``y`` (N,)."""
    return Path(__file__).with_name(f"{name}.npz")


def _images(name: str, options: ImageOptions, classes: tuple[str, ...]) -> Dataset:
    if options.full:
        x, y = _fetch(name)
    else:
        with np.load(shipped(name)) as archive:
            x, y = archive["x"], archive["y"]
    return Dataset(x.astype(np.float64), y.astype(np.int64), classes)


def _fetch(name: str) -> tuple[np.ndarray, np.ndarray]:
    """All images, training part first, as OpenML and scikit-learn's cache hold them."""
    from sklearn.datasets import fetch_openml

    remote, version, expected = OPENML[name]
    try:
        bunch = fetch_openml(remote, version=version, as_frame=False)
    except (OSError, ValueError) as error:  # no connection; not what OpenML's checksum says
        raise QhuError(
            f"cannot download {remote} from OpenML ({error}): check the connection, or read IDX "
            "files by data.source idx:FOLDER"
        ) from None
    x = np.asarray(bunch.data).reshape(-1, 28, 28)
    y = np.asarray(bunch.target).astype(np.int64)
    if content_hash(x, y) != expected:
        raise UserError(
            f"{remote} from OpenML is not the original: delete it from scikit-learn's data folder "
            "(sklearn.datasets.get_data_home) and try again"
        )
    return x, y
