"""How much a network owes a training row to having been trained on it.

Networks are trained on random halves of the training rows, so that every row is in half of them:
what those that had the row make of it, less what the others do, estimates what training again
without the row would change (Feldman and Zhang, arXiv 2008.03703).
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from qhu.data.rows import Rows
from qhu.errors import UserError
from qhu.model.hybrid import HybridNet
from qhu.seeding import torch_stream
from qhu.settings.parts import TrainSpec
from qhu.training import FitJob, fit


class Memorisation(NamedTuple):
    """Memorisation of every row and how well it is known.

    Attributes:
        value: (n,) in −1..1; 1: right only if it was trained on.
        error: (n,) standard error of the value, a pair of halves being one observation.
    """

    value: NDArray[np.float64]
    error: NDArray[np.float64]


def halves(
    labels: NDArray[np.integer], count: int, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """Random halves of rows in complementary pairs: 2i and 2i + 1 are a half and the other one.

    Every row is in exactly half of them. A class is halved as evenly as its size allows; the odd
    rows of classes go to the two halves in turn, so that these differ by one row at most.

    Args:
        labels: (n,) classes of the rows.
        count: number of halves, even.
        generator: what they are drawn from.

    Returns:
        (count, n) whether a row is in a half.

    Raises:
        UserError: the number is odd or below 2, or there are fewer than 2 rows.
    """
    if count < 2 or count % 2:
        raise UserError(f"halves come in pairs: give an even number of models (got {count})")
    if len(labels) < 2:
        raise UserError(f"halves need 2 rows or more (got {len(labels)})")
    members = np.empty((count, len(labels)), dtype=bool)
    for pair in range(count // 2):
        members[2 * pair] = _half(labels, pair % 2, generator)
    members[1::2] = ~members[::2]
    return members


def memorisation(
    correct: NDArray[np.bool_] | NDArray[np.floating], members: NDArray[np.bool_]
) -> Memorisation:
    """How much likelier a row's label is where the row was trained on.

    Args:
        correct: (N, n) whether a network was right about a row, or the probability that it gave
            to the row's label, which is that of being right where it draws by its probabilities.
        members: (N, n) whether it was trained on the row, in pairs as of :func:`halves`.

    Raises:
        ValueError: the shapes differ, or the halves are not in complementary pairs.
    """
    if correct.shape != members.shape:
        raise ValueError(f"correct {correct.shape} and members {members.shape} differ in shape")
    if len(members) < 2 or len(members) % 2 or not (members[::2] ^ members[1::2]).all():
        raise ValueError("members are no complementary pairs of halves")
    signed = np.where(members, correct.astype(np.float64), -correct.astype(np.float64))
    gained = signed[::2] + signed[1::2]  # per pair: right with the row, less right without it
    error = np.full(gained.shape[1], np.nan)  # a single pair does not tell
    if len(gained) > 1:
        error = gained.std(axis=0, ddof=1) / np.sqrt(len(gained))
    return Memorisation(gained.mean(axis=0), error)


def fit_halves(
    net: HybridNet,
    rows: Rows,
    val: Rows,
    members: Mapping[int, NDArray[np.bool_]],
    spec: TrainSpec,
    seed: int,
) -> NDArray[np.float64]:
    """Train a network on every half, each from its own weights and in its own data order.

    Args:
        net: the architecture and its backend.
        rows: all n training rows.
        val: rows to judge an epoch by.
        members: by the number of a model, which names its streams, whether a row is in its half
            (n,).
        spec: how they are trained.
        seed: root seed.

    Returns:
        (m, n) the probability that each network gives to each row's label.
    """
    device = rows.y.device

    def job(number: int, half: NDArray[np.bool_]) -> FitJob:
        init = net.initial(torch_stream(seed, "init", "half", number)).to(device)
        order = torch_stream(seed, "order", "half", number)
        return FitJob(rows[torch.from_numpy(half).to(device)], val, init, order)

    fitted = fit(net, [job(number, half) for number, half in members.items()], spec)
    logits = torch.stack([net.infer(result.state, rows.x) for result in fitted])
    labels = rows.y.expand(logits.shape[:-1])[..., None]
    return logits.double().softmax(-1).gather(-1, labels)[..., 0].cpu().numpy()


def _half(
    labels: NDArray[np.integer], turn: int, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """One half; ``turn`` says which of the odd classes, every other one, give it their odd row."""
    half = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        taken, odd = divmod(len(rows), 2)
        taken += odd and turn % 2
        half[generator.permutation(rows)[:taken]] = True
        turn += odd
    return half
