"""Shallow circuits memorise little and hardly notice small deletions; deeper ones do both."""

from collections.abc import Iterator

import pandas as pd

from qhu.claims.claim import ACCURATE, ALIKE, PAIRS, Claim, Frames, Test, of_values
from qhu.claims.needs import DEPTH, MEMORY_DEPTH, MEMORY_NOISE
from qhu.claims.values import along, memory, rise

LITTLE = ALIKE
"""Of the rows: answers that hinge on having been trained on the row."""
KINDS = (
    (MEMORY_DEPTH, "all", "clean labels, all rows"),
    (MEMORY_NOISE, "mislabelled", "a tenth of labels wrong, those rows"),
)


def tests(frames: Frames) -> Iterator[Test]:
    """Level at one layer and rise over six, of memorisation and of what a deletion moves."""
    for need, rows, words in KINDS:
        table = memory(frames[need], rows)
        yield Test(
            test=f"{words}: memorisation per row of one layer is below {LITTLE:g}",
            parts=of_values({"1 layer": table["1"].to_numpy()}, LITTLE),
            direction="below",
            unit=PAIRS,
            against=LITTLE,
        )
        yield _rises(f"{words}: memorisation per row rises from 1 to 6 layers", table)
    yield from _robust(frames[DEPTH])


def _rises(words: str, table: pd.DataFrame) -> Test:
    return Test(words, of_values({"rise": rise(table)}), "above", PAIRS, margin=ALIKE)


def _robust(results: pd.DataFrame) -> Iterator[Test]:
    """What deleting a tenth of the rows changes on test rows, beyond training again."""
    tables = along(results, "subset", "agree_test")
    kept = pd.DataFrame({at: table["none"] - table["floor"] for at, table in tables.items()})
    yield Test(
        test="a tenth of the rows deleted, one layer: teacher and oracle agree on test rows as "
        f"well as two oracles do, less {ACCURATE:g} at most",
        parts=of_values({"1 layer": kept["1"].to_numpy()}, -ACCURATE),
        direction="above",
        against=-ACCURATE,
    )
    yield Test(
        test="the same agreement falls from 1 to 6 layers",
        parts=of_values({"rise": rise(kept)}),
        direction="below",
        margin=ALIKE,
    )


CLAIM = Claim(
    "shallow circuits memorise little and are robust to small deletions",
    (MEMORY_DEPTH, MEMORY_NOISE, DEPTH),
    tests,
)
