"""Deeper hybrid models need structured interventions: their lead over free ascent grows."""

from collections.abc import Iterator

import pandas as pd

from qhu.claims.claim import ALIKE, Claim, Frames, Test, of_values
from qhu.claims.groups import constrained, free
from qhu.claims.needs import DEPTH
from qhu.claims.values import along, methods_of, rise


def tests(frames: Frames) -> Iterator[Test]:
    """The lead of constrained methods in agreement with the oracle, against depth."""
    for scenario in ("subset", "class"):
        tables = along(frames[DEPTH], scenario, "agree_test")
        lead = pd.DataFrame({at: _lead(table) for at, table in tables.items()})
        words = f"{scenario}: lead of constrained methods over free ascent in agreement with the "
        yield Test(
            test=f"{words}oracle on test rows, at 6 layers, is above 0",
            parts=of_values({"6 layers": lead.iloc[:, -1].to_numpy()}),
            direction="above",
            margin=ALIKE,
        )
        yield Test(
            test=f"{words}oracle on test rows grows from 1 to 6 layers",
            parts=of_values({"rise": rise(lead)}),
            direction="above",
            margin=ALIKE,
        )


def _lead(table: pd.DataFrame) -> pd.Series:
    methods = methods_of(table)
    return table[constrained(methods)].mean(axis=1) - table[free(methods)].mean(axis=1)


CLAIM = Claim("deeper hybrid models need structured interventions", (DEPTH,), tests)
