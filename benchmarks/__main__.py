"""``make bench``: measures everything, prints the table, writes ``results.json`` and the plots."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.cases import all_cases, run_case
from benchmarks.growth import points
from benchmarks.machine import describe
from benchmarks.plots import draw_growth
from benchmarks.serve import pin
from benchmarks.study import iris_study, many_models
from benchmarks.table import print_rows

HERE = Path(__file__).parent
PARTS = ("cases", "study", "growth")
WIDTH = 150
"""Columns of the table where there is no terminal to ask."""


def main() -> None:
    """Measure the parts that were asked for; the others keep what the file holds."""
    given = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    given.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    given.add_argument("--cases", nargs="+", metavar="NAME", help="default: all")
    given.add_argument("--threads", type=int, default=2)
    given.add_argument("--out", type=Path, default=HERE / "results.json")
    asked = given.parse_args()
    pin(asked.threads)
    results = _load(asked.out) | {"machine": describe(asked.threads)}
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    if "cases" in asked.parts:
        _measure_cases(results, asked, console)
    if "study" in asked.parts:
        console.log("iris-study")
        _replace(results["rows"], [iris_study(asked.threads)])
    if "growth" in asked.parts:
        console.log("growth")
        results["growth"] = {"rows": list(points()), "fit": many_models()}
        draw_growth(results["growth"]["rows"], asked.out.parent / "plots")
    _save(results, asked.out)
    _show(results, console)


def _measure_cases(results: dict[str, Any], asked: argparse.Namespace, console: Console) -> None:
    for case in all_cases():
        if asked.cases and case.name not in asked.cases:
            continue
        rows, left_out = run_case(case, asked.threads, say=console.log)
        _replace(results["rows"], rows)
        _replace(results["skipped"], left_out)
        _save(results, asked.out)


def _replace(kept: list[dict[str, Any]], new: list[dict[str, Any]]) -> None:
    """Put the new rows in the place of those of the same cases."""
    measured = {row["case"] for row in new}
    kept[:] = [row for row in kept if row["case"] not in measured] + new


def _show(results: dict[str, Any], console: Console) -> None:
    print_rows(results["rows"], console)
    for left_out in results["skipped"]:
        console.print("{case}: {contender} left out: {why}".format(**left_out))
    if "growth" in results:
        fitted = results["growth"]["fit"]
        console.print(
            "{models} models at once: {throughput_ratio} times the throughput of one by one "
            "({at_once_ms} against {one_by_one_ms} ms, {epochs} epochs of Iris)".format(**fitted)
        )
    console.print(results["machine"])


def _load(path: Path) -> dict[str, Any]:
    if path.exists():
        return json.loads(path.read_text())
    return {"machine": {}, "rows": [], "skipped": []}


def _save(results: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
