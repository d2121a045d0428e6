"""How a method behaves depends on depth, entanglement and task: agreement with the oracle moves."""

from collections.abc import Iterator

import pandas as pd

from qhu.claims.claim import ALIKE, PAIRS, Claim, Frames, Test, of_values
from qhu.claims.needs import DEPTH, ENTANGLEMENT, MEMORY_ENTANGLEMENT, TASK
from qhu.claims.values import along, memory, methods_of, rise, rise_weights
from qhu.report.statistics import Floats, tested_apart

AXES = {
    DEPTH: "from 1 to 6 layers",
    ENTANGLEMENT: "from no CZ gates to all pairs",
}


def tests(frames: Frames) -> Iterator[Test]:
    """Over the mean of the methods, the floor taken off at every point."""
    for need, words in AXES.items():
        for scenario in ("subset", "class"):
            excess = _excess(frames[need], scenario)
            yield _test(f"{scenario}: {words}", of_values({"rise": rise(excess)}))
    excess = _excess(frames[TASK], "subset")
    apart = _apart(excess.to_numpy(float))
    yield _test("subset: over four tasks of three classes, from easy to hard", apart)
    table = memory(frames[MEMORY_ENTANGLEMENT], "mislabelled")
    yield Test(
        test="from no CZ gates to all pairs, memorisation of rows with a wrong label changes",
        parts=of_values({"rise": rise(table)}),
        direction="either",
        unit=PAIRS,
        margin=ALIKE,
    )


def _excess(results: pd.DataFrame, scenario: str) -> pd.DataFrame:
    """Agreement beyond that of a second oracle, a row per seed and a column per point."""
    tables = along(results, scenario, "agree_forget")
    return pd.DataFrame(
        {at: table[methods_of(table)].mean(axis=1) - table["floor"] for at, table in tables.items()}
    )


def _apart(values: Floats) -> pd.DataFrame:
    """Tasks have other rows: seeds are independent samples."""
    return tested_apart(values, rise_weights(values.shape[1])).set_axis(["rise"])


def _test(words: str, parts: pd.DataFrame) -> Test:
    return Test(
        test=f"{words}, methods' agreement with the oracle on the forget rows, beyond that of a "
        "second oracle, changes",
        parts=parts,
        direction="either",
        margin=ALIKE,
    )


CLAIM = Claim(
    "how methods behave depends on circuit depth, entanglement and task",
    (DEPTH, ENTANGLEMENT, TASK, MEMORY_ENTANGLEMENT),
    tests,
)
