"""The claims of the paper, each with its tests, as ``claims.csv`` has them."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup

from qhu.errors import UserError
from qhu.record.counts import count_of
from qhu.record.files import Damaged, read_plain
from qhu.report.frames import MAX_TABLE, parse_table
from qhu.report.statistics import Estimate
from qhu.report.svg import shape
from qhu.report.tables import interval, number
from qhu.report.verdicts import Conclusion

CLAIMS = {
    **dict.fromkeys(("claim", "test"), "str"),
    **dict.fromkeys(("estimate", "ci_low", "ci_high"), "float64"),
    "verdict": "str",
}
OPTIONAL = {"design": "str", "smallest_effect": "float64"}
"""Columns that are shown where they are there."""
STANDINGS: Mapping[str, Conclusion] = {
    "supported": Conclusion("supported", "#0072B2", "o"),
    "contradicted": Conclusion("contradicted", "#B34700", "X"),
    "cannot tell": Conclusion("cannot tell", "#696969", "o", filled=False),
}
"""By what a verdict begins with; what follows it, such as the smallest effect, is shown beside."""
AGAIN = "run make claims again"


class ClaimTest(NamedTuple):
    """A test of a claim: what was done, what it gave, and what follows."""

    words: str
    design: str
    estimate: Estimate
    standing: str
    note: str

    @property
    def value(self) -> str:
        """The estimate with its interval; a dash where there is none."""
        if math.isnan(self.estimate.mean):
            return "–"
        return f"{number(self.estimate.mean)} {interval(self.estimate)}".strip()

    @property
    def mark(self) -> Markup:
        """The marker of its standing."""
        look = STANDINGS[self.standing]
        return shape(look.marker, look.colour, look.filled)

    @property
    def colour(self) -> str:
        """The colour of its standing."""
        return STANDINGS[self.standing].colour


class PaperClaim(NamedTuple):
    """What the paper claims, and the tests of it."""

    words: str
    tests: list[ClaimTest]


def read_claims(file: Path) -> list[PaperClaim]:
    """The claims in the order of the file, each with its tests.

    Raises:
        UserError: the file is missing, damaged or empty, or has a verdict that there is not.
    """
    try:
        content = read_plain(file, MAX_TABLE)
    except (Damaged, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot read {file}: {reason}; {AGAIN}") from None
    table = parse_table(content, file, CLAIMS, OPTIONAL)
    texts = [name for name, kind in {**CLAIMS, **OPTIONAL}.items() if kind == "str"]
    table = table.fillna(dict.fromkeys(texts, ""))
    claims: dict[str, list[ClaimTest]] = {}
    for row in table.to_dict("records"):
        standing = next((name for name in STANDINGS if row["verdict"].startswith(name)), None)
        if standing is None:
            raise UserError(f"{file} holds the verdict '{row['verdict']}': {AGAIN}")
        test = ClaimTest(
            words=str(row["test"]),
            design=row.get("design", ""),
            estimate=Estimate(row["estimate"], row["ci_low"], row["ci_high"], 0),
            standing=standing,
            note=_note(row["verdict"].removeprefix(standing), row.get("smallest_effect", math.nan)),
        )
        claims.setdefault(str(row["claim"]), []).append(test)
    return [PaperClaim(words, tests) for words, tests in claims.items()]


def _note(rest: str, smallest: float) -> str:
    """What the verdict says beside its standing; else the smallest effect."""
    if rest.strip():
        return rest.strip(" ()")
    return "" if math.isnan(smallest) else f"smallest effect this could see: {number(smallest)}"


def counted(claims: Sequence[PaperClaim]) -> str:
    """How many tests came out which way, in a sentence."""
    tests = [test for claim in claims for test in claim.tests]
    counts = {name: sum(test.standing == name for test in tests) for name in STANDINGS}
    words = {**{name: name for name in STANDINGS}, "cannot tell": "cannot be told"}
    outcome = ", ".join(f"{count} {words[name]}" for name, count in counts.items())
    of = count_of(len(claims), "claim")
    if len(tests) == len(claims):
        return f"Of {of}, {outcome}."
    return f"Of {len(tests)} tests of {of}, {outcome}."
