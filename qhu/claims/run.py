"""The claims of arXiv 2512.19253, each tested: ``claims.csv`` and its page."""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console

from qhu.claims.catalogue import CLAIMS
from qhu.claims.claim import Claim, Frames
from qhu.claims.gather import Size, gather, sources
from qhu.claims.needs import COSTS
from qhu.claims.verdict import Judged, judge
from qhu.errors import QhuError
from qhu.grid.holes import refuse_holes
from qhu.grid.stopping import stoppable
from qhu.record.folder import RunFolder, started
from qhu.record.identity import digest
from qhu.report.paper_claims.page import write_claims

COLUMNS = ["claim", "test", "estimate", "ci_low", "ci_high", "verdict"]
NAME = "claims"
"""Of the study, in its ``run.json``."""


@stoppable()
def run(
    out: Path,
    console: Console,
    workers: int = 0,
    size: Size | None = None,
    claims: Sequence[Claim] | None = None,
) -> Path:
    """Compute what is not stored yet, test every claim and write the folder; resumes.

    Args:
        out: the folder.
        console: where progress is shown.
        workers: processes, as for :func:`qhu.grid.run_all`.
        size: how much is computed; None: what the files ask.
        claims: which ones; None: all.

    Returns:
        The folder.

    Raises:
        UserError: an input is wrong, or the folder holds something else.
        Interrupted: on Ctrl-C, SIGTERM or SIGHUP; the same command goes on where it stopped.
        Incomplete: something failed; claims that need it are left out.
    """
    asked = CLAIMS if claims is None else claims
    needs = dict.fromkeys(need for claim in asked for need in claim.needs)
    listed = sources(needs, size or Size())
    studies = {
        f"{source.need.experiment} {at}".strip(): study
        for source in listed
        for at, study in source.studies.items()
    }
    folder, begun = RunFolder(out), time.monotonic()
    fingerprint = digest([study.fingerprint for study in studies.values()])
    settings = {name: study.experiment.model_dump(mode="json") for name, study in studies.items()}
    folder.check_kind(NAME, "claims.csv", fingerprint)
    with folder.claimed():
        frames, failed = gather(listed, console, workers)
        table, parts = tables(testable(asked, frames) if failed else asked, frames)
        with folder.replaced(started(NAME, "statevector", fingerprint), settings) as draft:
            draft.write_table("claims.csv", table)
            draft.write_table("tests.csv", parts)
            if COSTS in frames:
                draft.write_table("costs.csv", cost_table(frames[COSTS]))
            draft.update(files=draft.checksums(), failed=failed)
            draft.finish("incomplete" if failed else "finished", time.monotonic() - begun)
            write_claims(draft.path)
    refuse_holes({"": failed}, folder.path, console, unit="step")
    return folder.path


def testable(claims: Sequence[Claim], frames: Frames) -> list[Claim]:
    """Claims that can be tested by what is there, where something failed.

    Raises:
        QhuError: none of them can.
    """

    def is_testable(claim: Claim) -> bool:
        with contextlib.suppress(LookupError, ValueError):  # a frame or a row is missing
            return bool(list(claim.tests(frames)))
        return False

    if chosen := [claim for claim in claims if is_testable(claim)]:
        return chosen
    raise QhuError("no claim can be tested by what was computed")


def tables(claims: Sequence[Claim], frames: Frames) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The verdicts, and every part of the tests behind them.

    Args:
        claims: all of the page: they are corrected together.
        frames: what they need.

    Returns:
        ``claims.csv``, and ``tests.csv``: a row per part, in the order of the claims.
    """
    listed = [(claim, test) for claim in claims for test in claim.tests(frames)]
    judgements = judge([test for _, test in listed])
    rows, parts = [], []
    for (claim, _), judged in zip(listed, judgements, strict=True):
        about = {"claim": claim.claim, "test": f"{judged.test.test} ({judged.test.design})"}
        estimate = {"estimate": judged.estimate, "ci_low": judged.low, "ci_high": judged.high}
        rows.append({**about, **estimate, "verdict": judged.verdict})
        parts.append(_parts(judged).assign(**about))
    behind = pd.concat(parts, ignore_index=True)
    first = ["claim", "test", "part"]
    return pd.DataFrame(rows, columns=COLUMNS), behind[[*first, *behind.columns.drop(first)]]


def _parts(judged: Judged) -> pd.DataFrame:
    test = judged.test
    rules = {"direction": test.direction, "against": test.against, "margin": test.margin}
    return judged.parts.rename_axis("part").reset_index().assign(**rules)


def cost_table(costs: pd.DataFrame) -> pd.DataFrame:
    """Per method what it takes, medians over seeds, and as a share of what training again takes."""
    medians = costs.groupby("method", sort=False)[["steps", "seconds", "circuits"]].median()
    shares = (medians / medians.loc["retrain"]).add_suffix("_share")
    return pd.concat([medians, shares], axis=1).reset_index()
