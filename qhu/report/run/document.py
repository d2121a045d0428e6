"""A run as one document: what its tables and verdicts say."""

from pathlib import Path
from typing import Any

import pandas as pd

from qhu.report.answer import ScenarioAnswer
from qhu.report.frames import load_run
from qhu.report.run.sections import answers
from qhu.report.run_tests import Key, by_section
from qhu.report.verdicts import CONCLUSIONS


def run_document(folder: Path) -> dict[str, Any]:
    """Status, verdicts and means of a run folder, for JSON.

    Raises:
        UserError: a file of the run is missing, damaged or empty.
    """
    run = load_run(folder)
    summaries = by_section(run.summary)
    replies = answers(run.results, run.scores, run.facts)
    return {
        "folder": str(folder),
        "report": str(folder / "report.html"),
        "name": run.record.name,
        "status": run.record.status,
        "fingerprint": run.record.fingerprint,
        "seconds": run.record.seconds,
        "scenarios": [_scenario(key, summaries[key], reply) for key, reply in replies.items()],
    }


def _scenario(key: Key, summary: pd.DataFrame, reply: ScenarioAnswer | None) -> dict[str, Any]:
    verdicts = {row.method: row for row in reply.table.rows} if reply else {}
    methods = {}
    for method, rows in summary.groupby("method", sort=False):
        verdict = verdicts.get(str(method))
        scores = rows.set_index("metric")[["mean", "ci_low", "ci_high", "seeds"]]
        methods[str(method)] = {
            "verdict": CONCLUSIONS[verdict.verdict].words if verdict else None,
            "steps": verdict.cost if verdict else None,
            "scores": scores.to_dict("index"),
        }
    dataset, scenario, backend = key
    return {
        "dataset": dataset,
        "scenario": scenario,
        "backend": backend,
        "answer": reply.sentence if reply else None,
        "warnings": reply.caveats if reply else [],
        "methods": methods,
    }
