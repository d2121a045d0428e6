"""Kill -9 a rehearsal at random moments, again and again: nothing lost, nothing twice.

    python scripts/soak_kill.py [KILLS]      # default 100; make soak-kill KILLS=100

Each study is run undisturbed in one folder. In another one it is killed and run again until it ends
by itself; moments are drawn from the whole time that it takes undisturbed, so that they fall
before, between and after its jobs. Each folder has an emulator, in a process that is not killed.
"""

import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import qiskit_ibm_runtime.executor_estimator  # noqa: F401  once, not in every process

from qhu.cli import main
from qhu.commands import rehearsal  # noqa: F401  likewise
from qhu.emulator import Emulator
from qhu.emulator.platform import Rules
from qhu.emulator.store import PlatformStore
from qhu.hardware.ledger import Ledger
from qhu.report.run import page as html  # noqa: F401

FORK = multiprocessing.get_context("fork")
QUICK = Rules(usage_limit=1e6, queue_seconds=0, settle_seconds=0)

STUDY = """
name: soak
training: {{epochs: 2}}
unlearning: {{steps: 2}}
evaluation: {{retain: 4}}
scenarios: {{subset: {{fraction: 0.1}}}}
methods: [finetune]
seeds: {seed}
"""
BACKENDS = """
ibm_manila:
  {kind: ibm, resilience_level: 0, shots: 64, job_seconds: 1, poll: [0.05, 0.2],
   usage_timeout: 4, tags_timeout: 6}
"""


def start_emulator(
    state: Path, rules: Rules = QUICK, faults: Sequence[dict[str, Any]] = ()
) -> tuple[BaseProcess, Connection, str]:
    """An emulator in its process, what ends it once something is sent, and where it listens."""
    here, there = FORK.Pipe()
    process = FORK.Process(target=serve, args=(state, there, rules, faults), daemon=True)
    process.start()
    return process, here, here.recv()


def serve(state: Path, line: Connection, rules: Rules, faults: Sequence[dict[str, Any]]) -> None:
    """An emulator until something is sent."""
    with Emulator("fake_manila", state=state, rules=rules, faults=faults) as emulator:
        line.send(emulator.url)
        line.recv()


def run_study(
    folder: Path, url: str, seed: int, kill_after: float | None, budget: float = 100_000
) -> int | None:
    """The command in a process of its own: how it ended by itself, or None where it was killed."""
    process = FORK.Process(target=command, args=(folder, url, seed, budget))
    process.start()
    process.join(kill_after)
    if process.is_alive():
        process.kill()
        process.join()
        return None
    return process.exitcode


def undisturbed(folder: Path, code: int | None) -> bool:
    """Whether a command ended well by itself; any other end than by a kill ends the soak."""
    if code:
        raise SystemExit((folder / "out.txt").read_text(encoding="utf-8"))
    return code is not None


def command(folder: Path, url: str, seed: int, budget: float) -> None:
    """`qhu run` in a folder."""
    os.chdir(folder)
    os.environ.pop("QHU_LEDGER", None)  # each folder has its own
    Path("soak.yaml").write_text(STUDY.format(seed=seed), encoding="utf-8")
    Path("backends.yaml").write_text(BACKENDS, encoding="utf-8")
    for stream in (1, 2):
        os.dup2(os.open("out.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    options = ["--backend", "ibm_manila", "--emulator", url, "--max-qpu-seconds", f"{budget:g}"]
    sys.argv = ["qhu", "run", "soak.yaml", *options, "--yes", "--out", f"run{seed}"]
    main()


def soak(kills: int) -> None:
    """Kill so many times, then count what is left."""
    draw = random.Random(0)
    with tempfile.TemporaryDirectory() as scratch:
        calm, killed = Path(scratch, "calm"), Path(scratch, "killed")
        calm.mkdir()
        killed.mkdir()
        served = {folder: start_emulator(folder / "state") for folder in (calm, killed)}
        done, differing, seed = 0, 0, 0
        try:
            while done < kills:
                begun = time.monotonic()
                undisturbed(calm, run_study(calm, served[calm][2], seed, None))
                length = time.monotonic() - begun
                url, ended = served[killed][2], False
                while done < kills and not ended:
                    code = run_study(killed, url, seed, draw.uniform(0, length))
                    ended = undisturbed(killed, code)
                    done += not ended
                undisturbed(killed, run_study(killed, url, seed, None))
                one, two = (folder / f"run{seed}" / "results.csv" for folder in (calm, killed))
                differing += one.read_bytes() != two.read_bytes()
                seed += 1
                print(f"{done} kills, {seed} studies, {differing} differing", flush=True)
        finally:
            for process, line, _ in served.values():
                line.send("enough")
                process.join()
        report(PlatformStore(killed / "state"), killed, done, seed, differing)


def report(store: PlatformStore, killed: Path, kills: int, studies: int, differing: int) -> None:
    """Jobs that count, by request: one each, and the ledger knows them all."""
    ledger = Ledger(killed / "ledger" / "emulator.db")
    known = {job["id"] for job in ledger.jobs()}
    jobs = store.jobs.where()
    counts = Counter(job.tags for job in jobs if job.status == "Completed")
    double = sum(count > 1 for count in counts.values())
    lost = len({job.id for job in jobs} - known) + len(ledger.requests("state <> 'done'"))
    print(
        f"{kills} kills in {studies} studies, {len(jobs)} jobs: {lost} lost, {double} double, "
        f"{differing} results differing"
    )
    if lost or double or differing:
        raise SystemExit(1)


if __name__ == "__main__":
    soak(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
