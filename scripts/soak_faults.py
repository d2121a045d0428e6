"""Studies under a random mixture of faults and kills: within budget, nothing lost, nothing twice.

    python scripts/soak_faults.py [STUDIES] [--first SEED]    # default 100 from 0

Each study has its own folder, emulator, budget and mixture, drawn from its seed, which is printed:
`soak_faults.py 1 --first SEED` repeats it. Its command is run, and at times killed, until it ends
well; where the budget stops it, the budget is raised to what the study needs. After each command
what the platform charged is within the budget; in the end every job is known to the ledger, every
request has one finished job, and the results are those of an undisturbed run.
"""

import argparse
import random
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from soak_kill import QUICK, run_study, start_emulator

from qhu.emulator.platform import Rules
from qhu.emulator.store import Job, PlatformStore
from qhu.emulator.usage import UsageReport
from qhu.errors import BudgetRefused
from qhu.hardware.ledger import Ledger

VARIANTS = 4
"""Different studies; the others differ from these in what goes wrong."""
COMMANDS = 40
"""Most times that a study is run before it counts as stuck."""
POST, POLL = r"/jobs", r"/jobs/[^/]+"
PLACES = {
    "submit": ("POST", POST),
    "search": ("GET", POST),
    "poll": ("GET", POLL),
    "results": ("GET", f"{POLL}/results"),
    "metrics": ("GET", f"{POLL}/metrics"),
    "cancel": ("POST", f"{POLL}/cancel"),
    "usage": ("GET", "/instances/usage"),
    "device": ("GET", "/backends.*"),
    "token": ("POST", "/identity/token"),
}
ANSWERS = ("status", "drop", "hang", "slow", "truncate", "malform")
EVENTS = ("job_failed", "job_cancelled", "job_max_time", "tokens_revoked", "maintenance")


@dataclass(frozen=True)
class Mixture:
    """What goes wrong in a study.

    Attributes:
        rules: of its platform.
        faults: in order.
        kills: seconds after which a command is killed, one after the other.
        budget: in units of what the study takes undisturbed.
    """

    rules: Rules
    faults: list[dict[str, Any]]
    kills: list[float]
    budget: float


def draw_mixture(seed: int, length: float) -> Mixture:
    """The mixture of a seed, for a study that takes so many seconds undisturbed."""
    draw = random.Random(seed)
    rules: dict[str, Any] = {"usage_limit": 1e6, "queue_seconds": draw.choice([0, 0.3])}
    oddities: dict[str, list[Any]] = {
        "overshoot_factor": [1.0, 1.1, 1.2],
        "overshoot_seconds": [0.0, 1.0, 4.0],
        "usage": [*get_args(UsageReport)],
        "settle_seconds": [0.0, 1.0, 3.0],
        "submissions": [1, 3, 5],
        "retry_after": ["seconds", "date", "none"],
        "listing": ["newest_first", "oldest_first", "shuffled"],
        "tags_seconds": [0.5, 2.0, 4.0],
        "token_life": [2.0, 30.0],
    }
    for name in oddities:
        if draw.random() < 0.4:
            rules[name] = draw.choice(oddities[name])
    faults = [draw_fault(draw) for _ in range(draw.randint(1, 5))]
    kills = [draw.uniform(0, 2 * length) for _ in range(draw.choice([0, 0, 1, 3]))]
    return Mixture(Rules(submission_window=3.0, **rules), faults, kills, draw.uniform(0.5, 4))


def draw_fault(draw: random.Random) -> dict[str, Any]:
    """One line of a fault script."""
    method, path = PLACES[draw.choice([*PLACES, "submit", "submit", "submit"])]
    fault = {"method": method, "path": path, "nth": draw.randint(1, 6), "times": draw.randint(1, 5)}
    if draw.random() < 0.2:
        do = draw.choice(EVENTS)
        return {**fault, "do": do, "times": 1, "seconds": 1, "method": "POST", "path": POST}
    do = draw.choice(ANSWERS)
    fault |= {"do": do, "when": draw.choice(["before", "after"]), "seconds": draw.uniform(0.2, 3)}
    if do == "status":
        fault["status"] = draw.choice([429, 500, 502, 503, 504])
        if draw.random() < 0.5:
            fault["headers"] = {"Retry-After": "1"}
    return fault


class Soak:
    """Studies, one after the other.

    Args:
        scratch: where their folders are made.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._calm: dict[int, tuple[bytes, float, float]] = {}

    def study(self, seed: int) -> list[str]:
        """Run a study; what is wrong with its outcome."""
        expected, needed, length = self._undisturbed(seed % VARIANTS)
        mixture = draw_mixture(seed, length)
        folder = self._scratch / f"study{seed}"
        folder.mkdir()
        state = folder / "state"
        process, line, url = start_emulator(state, mixture.rules, mixture.faults)
        try:
            problems = self._until_done(folder, url, seed, mixture, needed)
        finally:
            line.send("enough")
            process.join()
        jobs = PlatformStore(state).jobs.where()
        return problems + verdict(folder, jobs, expected, seed % VARIANTS)

    def _until_done(
        self, folder: Path, url: str, seed: int, mixture: Mixture, needed: float
    ) -> list[str]:
        """Run the command until it ends well; what went wrong on the way."""
        budget, kills = mixture.budget * needed, list(mixture.kills)
        problems: list[str] = []
        for _ in range(COMMANDS):
            kill = kills.pop() if kills else None
            code = run_study(folder, url, seed % VARIANTS, kill, budget)
            charged = charged_by(folder / "state")
            if charged > budget:
                problems.append(f"{charged:.1f} s charged, budget {budget:.1f} s")
            if code == 0:
                return problems
            if code == BudgetRefused.exit_code:
                budget += 2 * needed
        return [
            *problems,
            f"still failing: {(folder / 'out.txt').read_text(encoding='utf-8')[-600:]}",
        ]

    def _undisturbed(self, variant: int) -> tuple[bytes, float, float]:
        """Results, seconds charged and seconds taken of a study without faults."""
        if variant not in self._calm:
            folder = self._scratch / f"calm{variant}"
            folder.mkdir()
            process, line, url = start_emulator(folder / "state", QUICK)
            begun = time.monotonic()
            code = run_study(folder, url, variant, None)
            length, charged = time.monotonic() - begun, charged_by(folder / "state")
            line.send("enough")
            process.join()
            if code:
                raise SystemExit((folder / "out.txt").read_text(encoding="utf-8"))
            self._calm[variant] = results(folder, variant), charged, length
        return self._calm[variant]


def charged_by(state: Path) -> float:
    """Seconds that a platform has charged so far, read beside it."""
    with closing(sqlite3.connect(state / "emulator.sqlite")) as connection:
        return float(connection.execute("SELECT TOTAL(charged) FROM Job").fetchone()[0])


def results(folder: Path, variant: int) -> bytes:
    """The numbers of a finished run."""
    return (folder / f"run{variant}" / "results.csv").read_bytes()


def verdict(folder: Path, jobs: list[Job], expected: bytes, variant: int) -> list[str]:
    """What is lost, double or different."""
    ledger = Ledger(folder / "ledger" / "emulator.db")
    missing = {job.id for job in jobs} - {job["id"] for job in ledger.jobs()}
    counts = Counter(job.tags for job in jobs if job.status == "Completed")
    file = folder / f"run{variant}" / "results.csv"
    problems = {
        "jobs unknown to the ledger": len(missing),
        "requests not done": len(ledger.requests("state <> 'done'")),
        "requests paid twice": sum(count > 1 for count in counts.values()),
        "results differ": int(not file.exists() or results(folder, variant) != expected),
    }
    return [f"{what}: {number}" for what, number in problems.items() if number]


def main() -> None:
    """Run the studies, print a line for each, and fail where one was wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("studies", type=int, nargs="?", default=100)
    parser.add_argument("--first", type=int, default=0, help="seed of the first study")
    options = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        soak = Soak(Path(scratch))
        for seed in range(options.first, options.first + options.studies):
            begun = time.monotonic()
            problems = soak.study(seed)
            wrong += bool(problems)
            outcome = "; ".join(problems) or "fine"
            print(f"study {seed}, {time.monotonic() - begun:.0f} s: {outcome}", flush=True)
    print(f"{options.studies} studies, {wrong} wrong")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
