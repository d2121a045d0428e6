"""Variational circuits limit memorisation through their embeddings, by amplitudes most of all."""

from collections.abc import Iterator

from qhu.claims.claim import ALIKE, PAIRS, Claim, Frames, Test, of_values
from qhu.claims.needs import MEMORY_NETWORK
from qhu.claims.values import memory

COMPARED = (("amplitude", "angle"), ("amplitude", "classical"), ("angle", "classical"))
NETWORKS = {
    "amplitude": "amplitude embedding",
    "angle": "angle encoding",
    "classical": "a classical network",
}


def tests(frames: Frames) -> Iterator[Test]:
    """Differences of memorisation between networks of 151 to 155 parameters, pair by pair."""
    for rows, words in (("all", "all rows"), ("mislabelled", "rows with a wrong label")):
        table = memory(frames[MEMORY_NETWORK], rows)
        for first, second in COMPARED:
            yield Test(
                test=f"memorisation of {words}: {NETWORKS[first]} minus {NETWORKS[second]} of as "
                "many parameters is below 0",
                parts=of_values({first: (table[first] - table[second]).to_numpy()}),
                direction="below",
                unit=PAIRS,
                margin=ALIKE,
            )


CLAIM = Claim(
    "variational circuits limit memorisation through amplitude-based embeddings",
    (MEMORY_NETWORK,),
    tests,
)
