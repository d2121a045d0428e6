"""What the quantum layer contributes, beside a classical network of as many parameters."""

from collections.abc import Iterator

import pandas as pd

from qhu.claims.claim import ACCURATE, ALIKE, Claim, Frames, Test, of_values
from qhu.claims.needs import QUANTUM_PART
from qhu.claims.values import along, methods_of


def tests(frames: Frames) -> Iterator[Test]:
    """Accuracy of what was trained, and how close methods come to retraining."""
    results = frames[QUANTUM_PART]
    trained = along(results, "subset", "acc_test")
    yield Test(
        test="test accuracy of the untouched teacher: hybrid minus classical is above 0",
        parts=of_values({"hybrid": trained["hybrid"]["none"] - trained["classical"]["none"]}),
        direction="above",
        margin=ACCURATE,
    )
    for scenario in ("subset", "class"):
        tables = along(results, scenario, "agree_forget")
        excess = {at: _excess(table) for at, table in tables.items()}
        yield Test(
            test=f"{scenario}: methods' agreement with the oracle on the forget rows, beyond that "
            "of a second oracle: hybrid minus classical is not 0",
            parts=of_values({"hybrid": excess["hybrid"] - excess["classical"]}),
            direction="either",
            margin=ALIKE,
        )


def _excess(table: pd.DataFrame) -> pd.Series:
    return table[methods_of(table)].mean(axis=1) - table["floor"]


CLAIM = Claim("the quantum layer contributes what a classical one does not", (QUANTUM_PART,), tests)
