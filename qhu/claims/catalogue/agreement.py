"""Agreement with the retrained model on test rows is high, and as high as training again has."""

from collections.abc import Iterator

from qhu.claims.claim import ALIKE, Claim, Frames, Test, of_values
from qhu.claims.needs import METHODS, THEIRS
from qhu.claims.values import by_method, methods_of

HIGH = 0.9
PROTOCOLS = ((THEIRS, "subset2pct", "the paper's protocol"), (METHODS, "subset", "our protocol"))


def tests(frames: Frames) -> Iterator[Test]:
    """The level, and the distance from a second oracle, of every method."""
    for need, scenario, whose in PROTOCOLS:
        table = by_method(frames[need], scenario, "agree_test")
        methods = methods_of(table)
        yield Test(
            test=f"{whose}: agreement with the oracle on test rows above {HIGH:g}",
            parts=of_values({m: table[m] for m in methods}, HIGH),
            direction="above",
            against=HIGH,
        )
        mean = table[methods].mean(axis=1) - table["floor"]
        yield Test(
            test=f"{whose}: methods' mean agreement, minus that of a second oracle, is about 0",
            parts=of_values({"methods": mean}),
            direction="within",
            margin=ALIKE,
        )


CLAIM = Claim("agreement with the retrained model on test rows is high", (THEIRS, METHODS), tests)
