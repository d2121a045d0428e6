"""``make bench``: measures everything, prints the table, writes ``results.json`` and the plots."""

import argparse
import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.cases import all_cases, run_case
from benchmarks.growth import measure, points
from benchmarks.machine import describe
from benchmarks.plots import draw_growth
from benchmarks.rows import failed
from benchmarks.serve import pin
from benchmarks.study import iris_study, many_models
from benchmarks.table import print_rows

HERE = Path(__file__).parent
PARTS = ("cases", "study", "growth")
STUDY, GROWTH, PLOTS = "iris-study", "growth", "plots"
LISTS = ("rows", "failed", "skipped")
"""Lists of results: with figures; without, for a failure; without, by choice."""
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
        console.log(STUDY)
        with _measuring(results, STUDY):
            results["rows"].append(iris_study(asked.threads))
    if "growth" in asked.parts:
        console.log(GROWTH)
        _measure_growth(results, asked.out.parent / PLOTS)
    _save(results, asked.out)
    _show(results, console)


def _measure_cases(results: dict[str, Any], asked: argparse.Namespace, console: Console) -> None:
    for case in all_cases():
        if asked.cases and case.name not in asked.cases:
            continue
        with _measuring(results, case.name):
            results["skipped"] += [failed(case.name, n, why) for n, why in case.skipped.items()]
            rows, failures = run_case(case, asked.threads, say=console.log)
            results["rows"] += rows
            results["failed"] += failures
        _save(results, asked.out)


def _measure_growth(results: dict[str, Any], plots: Path) -> None:
    grown: dict[str, Any] = {"rows": []}
    results["growth"] = grown
    with _measuring(results, GROWTH):
        for axis, sizes in points():
            with _failing(results, GROWTH, f"qhu, {sizes}"):
                grown["rows"].append(measure(axis, sizes))
        with _failing(results, GROWTH, "many models"):
            grown["fit"] = many_models()
        with _failing(results, GROWTH, PLOTS):
            draw_growth(grown["rows"], plots)


@contextmanager
def _measuring(results: dict[str, Any], case: str) -> Iterator[None]:
    """Forget what is kept of a case, and go on to the next one if this one fails."""
    for name in LISTS:
        results[name] = [row for row in results[name] if row["case"] != case]
    with _failing(results, case, "qhu"):
        yield


@contextmanager
def _failing(results: dict[str, Any], case: str, contender: str) -> Iterator[None]:
    """Turn any failure into a row: it must not cost what others take an hour to measure."""
    try:
        yield
    except Exception as error:
        traceback.print_exc()
        reason = str(error).strip().partition("\n")[0]
        results["failed"].append(failed(case, contender, f"{type(error).__name__}: {reason}"))


def _show(results: dict[str, Any], console: Console) -> None:
    print_rows(results["rows"], results["failed"], console)
    for left_out in results["skipped"]:
        console.print("{case}: {contender} left out: {why}".format(**left_out))
    if "fit" in results.get("growth", {}):
        fitted = results["growth"]["fit"]
        console.print(
            "{models} models at once: {throughput_ratio} times the throughput of one by one "
            "({at_once_ms} against {one_by_one_ms} ms, {epochs} epochs of Iris)".format(**fitted)
        )
    console.print(results["machine"])


def _load(path: Path) -> dict[str, Any]:
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {"machine": {}, **{name: [] for name in LISTS}, **kept}


def _save(results: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
