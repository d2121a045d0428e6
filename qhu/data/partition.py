"""Everything that a seed and a scenario decide about the rows of a dataset."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qhu.data.base import Dataset
from qhu.data.rows import Rows
from qhu.data.split import ForgetSet, RowNumbers, Split, scale, selection_rows
from qhu.errors import UserError
from qhu.seeding import numpy_stream
from qhu.settings.parts import DataSpec


@dataclass(frozen=True, eq=False)
class ChosenRows:
    """Rows that a scenario chose, and by what.

    Attributes:
        rows: training rows to forget.
        measure: what they were chosen by; empty: by nothing that is measured.
        values: that measure of the rows, in their order; empty where there is none.
    """

    rows: RowNumbers
    measure: str = ""
    values: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, eq=False)
class Partition:
    """The rows of a dataset for one seed and scenario: train = retain ∪ forget, val, test.

    Without a scenario nothing is forgotten: all training rows are retained.

    Attributes:
        data: all rows.
        spec: how they are scaled.
        split: train, val and test rows of the seed, and the labels that networks are taught.
        parted: retain and forget rows.
        whole: the seed's partition without a scenario; None for that one itself.
        forgotten: class that the scenario forgets; None where it forgets no class.
        scored: retain rows that scores are taken on.
        requests: the forget rows, parted into what is asked to be forgotten one after another.
        choice: what the forget rows were chosen by; None where they were drawn or named.
    """

    data: Dataset
    spec: DataSpec
    split: Split
    parted: ForgetSet
    whole: "Partition | None" = None
    forgotten: int | None = None
    scored: RowNumbers | None = None
    requests: tuple[RowNumbers, ...] = ()
    choice: ChosenRows | None = None

    @property
    def train(self) -> RowNumbers:
        """Training rows of the teacher."""
        return self.split.train

    @property
    def val(self) -> RowNumbers:
        """Validation rows."""
        return self.split.val

    @property
    def test(self) -> RowNumbers:
        """Test rows."""
        return self.split.test

    @property
    def labels(self) -> RowNumbers:
        """Labels (N,) that networks are taught."""
        return self.split.labels

    @property
    def retain(self) -> RowNumbers:
        """Training rows to keep, what the scenario's oracle trains on."""
        return self.parted.retain

    @property
    def forget(self) -> RowNumbers:
        """Training rows to forget."""
        return self.parted.forget

    @functools.cached_property
    def samples(self) -> Tensor:
        """All rows (N, ...) as a network sees them that is trained on the retain rows alone.

        With ``data.scale_rows: retain`` their scaling never saw the forget rows; otherwise it is
        the same for all scenarios of the seed.
        """
        if self.whole is not None and self.spec.scale_rows != "retain":
            return self.whole.samples
        fitted = replace(self.split, train=self.retain)
        return torch.from_numpy(scale(self.data, fitted, self.spec))

    def rows(self, index: RowNumbers, device: torch.device) -> Rows:
        """Scaled samples of some rows with their labels, on a device."""
        y = torch.from_numpy(self.labels[index])
        return Rows(self.samples[index].to(device), y.to(device))

    def in_turn(self) -> Iterator["Partition"]:
        """The rows as each request finds them: what it forgets, what nobody has asked to forget."""
        retain = self.train
        for request in self.requests:
            retain = retain[~np.isin(retain, request)]
            yield replace(self, parted=ForgetSet(retain, request), requests=(request,))

    def selection(self, select: str) -> RowNumbers:
        """Rows by which an epoch of a training on the retain rows is selected.

        Args:
            select: as in :class:`~qhu.settings.parts.Selection`.
        """
        return selection_rows(self.split, self.retain, select)

    def subsets(self) -> dict[str, RowNumbers]:
        """Rows that scores are taken on, by the suffix of the score's name."""
        retain = self.retain if self.scored is None else self.scored
        subsets = {"retain": retain, "forget": self.forget, "test": self.test}
        if self.forgotten is not None:
            is_forgotten = self.data.y[self.test] == self.forgotten
            subsets["test_forgotten"] = self.test[is_forgotten]
            subsets["test_kept"] = self.test[~is_forgotten]
        return subsets


def drawn(rows: RowNumbers, count: int | None, seed: int, scenario: str) -> RowNumbers:
    """So many of the retain rows, drawn per seed and scenario for evaluation; None: all of them.

    Raises:
        UserError: there are not so many.
    """
    if count is None:
        return rows
    if count > len(rows):
        raise UserError(
            f"evaluation.retain {count:,}: scenario '{scenario}' retains {len(rows):,} training "
            "rows: give so many or fewer, or null for all"
        )
    return np.sort(numpy_stream(seed, "evaluate", scenario).choice(rows, count, replace=False))
