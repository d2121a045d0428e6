"""A smaller task of a dataset: some of its classes, rows and features, or their components."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from qhu.data.base import Dataset
from qhu.data.choice import chosen
from qhu.data.subset import balanced_rows
from qhu.errors import UserError
from qhu.settings.parts import DataSpec


def chosen_part(data: Dataset, spec: DataSpec) -> Dataset:
    """The classes, rows and features that are asked for; rows are numbered anew.

    Args:
        data: all that the source holds.
        spec: ``classes``, ``per_class`` and ``features``.

    Raises:
        UserError: one of them does not exist or is named twice, or a class has too few rows.
    """
    if spec.classes is not None:
        kept = _numbers(spec.classes, data.classes, "data.classes", "class", "classes")
        rows = np.flatnonzero(np.isin(data.y, kept))
        renumbered = np.argsort(kept)[np.searchsorted(np.sort(kept), data.y[rows])]
        names = tuple(data.classes[number] for number in kept)
        data = replace(data, x=data.x[rows], y=renumbered, classes=names)
    if spec.per_class is not None:
        rows = balanced_rows(data.y, spec.per_class)
        data = replace(data, x=data.x[rows], y=data.y[rows])
    if spec.features is not None:
        if data.x.ndim != 2:
            raise UserError("data.features chooses columns of a table; these samples are images")
        names = data.features or tuple(map(str, range(data.x.shape[1])))
        kept = _numbers(spec.features, names, "data.features", "feature", "features")
        named = tuple(data.features[number] for number in kept if data.features)
        data = replace(data, x=data.x[:, kept], features=named)
    return data


def sample_shape(data: Dataset, spec: DataSpec) -> tuple[int, ...]:
    """Shape of one sample as the network sees it.

    Args:
        data: the rows that are asked for.
        spec: ``pca`` and ``width``.

    Raises:
        UserError: more components than features, or a width that does not hold the features.
    """
    shape: tuple[int, ...] = data.x.shape[1:]
    if spec.pca is not None:
        if spec.pca > np.prod(shape):
            raise UserError(f"data.pca {spec.pca}: samples of shape {shape} have fewer features")
        shape = (spec.pca,)
    if spec.width is None:
        return shape
    if len(shape) != 1 or spec.width < shape[0]:
        raise UserError(
            f"data.width {spec.width} holds no samples of shape {shape}: choose data.features or "
            "set data.pca"
        )
    return (spec.width,)


def principal_components(
    x: NDArray[np.float64], fitted: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    """Coordinates (N, count) of rows x (N, ...) along the principal axes of some of them.

    Args:
        x: all rows.
        fitted: numbers of the rows whose mean and covariance decide; others decide nothing.
        count: number of axes, those of largest variance first.
    """
    flat = x.reshape(len(x), -1)
    axes = PCA(count, svd_solver="full").fit(flat[fitted])
    coordinates: NDArray[np.float64] = axes.transform(flat)
    return coordinates


def _numbers(
    asked: Sequence[bool | int | str], names: Sequence[str], setting: str, kind: str, kinds: str
) -> list[int]:
    """What is asked for, by number; none is meant twice."""
    try:
        numbers = [chosen(wanted, names, kind, kinds) for wanted in asked]
    except UserError as error:
        raise UserError(f"{setting}: {error}") from None
    for number in numbers:
        if numbers.count(number) > 1:
            raise UserError(f"{setting}: '{names[number]}' stands twice; keep one")
    return numbers
