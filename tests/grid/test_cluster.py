"""The grid on Dask: the same bytes, whoever works and whoever dies."""

import functools
import json
import multiprocessing
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import dask
import pytest
import torch
from distributed import Client, KilledWorker, LocalCluster
from threadpoolctl import threadpool_info

from qhu import pipeline, registry
from qhu.errors import UserError, fatal
from qhu.grid import cluster
from qhu.grid import run as grid
from qhu.grid.execute import Step
from qhu.grid.stopping import SIGNALS
from qhu.record import foreign
from qhu.record.store import Store
from qhu.settings.experiment import load_experiment
from qhu.study import Study
from qhu.unlearn.task import MethodOptions

SLOWLY = '''
"""A method that can be caught in the middle of a cell."""

import os
import time
import types
from pathlib import Path

from qhu.registry import method
from qhu.unlearn.finetune import train
from qhu.unlearn.task import MethodOptions

MARKS = Path(os.environ["MARKS"])


@method("slowly")
def slowly(student, task, options: MethodOptions):
    """Fine-tune as soon as the test lets it."""
    (MARKS / f"started-{os.getpid()}-{time.monotonic_ns()}").touch()
    while not (MARKS / "go").exists():
        time.sleep(0.05)
    train(student, task.retain)
'''


@pytest.fixture
def slowly(tmp_path, monkeypatch):
    """A plugin module that this process and its children can import; the folder of its marks."""
    marks = tmp_path / "marks"
    marks.mkdir()
    (tmp_path / "slowly.py").write_text(SLOWLY)
    monkeypatch.setenv("MARKS", str(marks))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    registry.method.names()
    monkeypatch.setattr(registry.method, "_entries", dict(registry.method._entries))
    monkeypatch.delitem(sys.modules, "slowly", raising=False)
    import slowly  # noqa: F401 - registers itself

    return marks


@pytest.fixture
def processes(tmp_path):
    """A scheduler and two workers, each a process of its own: its address, the workers."""
    file, children = tmp_path / "scheduler.json", []

    def start(*arguments):
        command = [sys.executable, "-m", "dask", *arguments, "--scheduler-file", file]
        children.append(subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL))
        return children[-1]

    local = ("--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0")
    try:
        start("scheduler", *local, "--port", "0")
        workers = [start("worker", *local, "--nthreads", "1", "--no-nanny") for _ in range(2)]
        wait_for(lambda: file.exists() and file.read_text())
        yield json.loads(file.read_text())["address"], workers
    finally:
        for child in children:
            child.kill()
            child.wait()


def wait_for(look, seconds=180):
    """The first true answer of ``look``."""
    until = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)
    return seen


def stages(store):
    """Every finished stage with what would change if it were computed again."""
    return {path: path.stat().st_mtime_ns for path in Path(store).rglob("*.safetensors")}


def same_bytes(one, other):
    for name in ("summary.csv", "results.csv", "history.jsonl", "predictions.parquet"):
        assert Path(one, name).read_bytes() == Path(other, name).read_bytes(), name


def test_two_workers_give_the_same_bytes(tiny, qhu, monkeypatch):
    qhu("run", tiny, "--out", "alone")
    monkeypatch.setattr(grid, "STORE", Path("another-store"))
    code, _, errors = qhu("run", tiny, "--out", "two", "--workers", "2")
    assert (code, errors) == (0, "")
    same_bytes("alone", "two")
    assert not list(Path("another-store/sent").iterdir())


def test_a_killed_worker_costs_only_its_cell(tiny, qhu, slowly, processes, monkeypatch):
    address, workers = processes
    asked = ("--methods", "slowly,finetune")
    go = slowly / "go"
    go.touch()
    assert qhu("run", tiny, *asked, "--out", "alone")[0] == 0
    go.unlink()
    for mark in slowly.iterdir():
        mark.unlink()
    monkeypatch.setattr(grid, "STORE", Path("another-store"))
    seen = {}

    def kill():
        victim = int(wait_for(lambda: list(slowly.glob("started-*")))[0].name.split("-")[1])
        assert victim in {worker.pid for worker in workers}
        seen["stages"] = stages("another-store")
        os.kill(victim, signal.SIGKILL)
        seen["lost"] = len(list(slowly.glob(f"started-{victim}-*")))
        go.touch()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    code, _, errors = qhu("run", tiny, *asked, "--out", "two", "--scheduler", address)
    killer.join()
    assert (code, errors) == (0, "")
    same_bytes("alone", "two")
    assert sorted(worker.poll() is None for worker in workers) == [False, True]
    now = stages("another-store")
    assert len(seen["stages"]) >= 5, "training was over"
    assert {path: now[path] for path in seen["stages"]} == seen["stages"], "nothing done twice"
    assert seen["lost"] == 1
    assert len(list(slowly.glob("started-*"))) == 4 + 1, "four cells, one of them twice"


@pytest.fixture
def inside():
    """A scheduler with one worker inside this process: quick to start."""
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
    ) as made:
        yield made


def test_what_a_worker_cannot_go_on_with_is_the_callers(tiny, qhu, inside, monkeypatch):
    def wrong(study, cell):
        with fatal():
            raise UserError("no space left")

    monkeypatch.setattr(pipeline, "evaluate", wrong)
    code, _, errors = qhu("run", tiny, "--out", "here", "--scheduler", inside.scheduler_address)
    assert (code, errors) == (2, "qhu: no space left\n")
    assert json.loads(Path("here/run.json").read_text())["status"] == "failed"


def test_a_cell_that_fails_on_a_worker_is_a_hole(tiny, qhu, inside, monkeypatch):
    evaluate = pipeline.evaluate

    def wrong(study, cell):
        if (cell.method, cell.seed) == ("finetune", 0):
            raise KilledWorker("x", None, 3) if cell.scenario == "class" else ValueError("bad")
        return evaluate(study, cell)

    monkeypatch.setattr(pipeline, "evaluate", wrong)
    code, _, errors = qhu("run", tiny, "--out", "here", "--scheduler", inside.scheduler_address)
    assert code == 1 and errors.startswith("qhu: 2 cells failed")
    record = json.loads(Path("here/run.json").read_text())
    assert record["status"] == "incomplete"
    cells = [(hole["scenario"], hole["method"], hole["seed"]) for hole in record["failed"]]
    assert cells == [("subset", "finetune", 0), ("class", "finetune", 0)]


def test_libraries_have_one_thread_in_a_step(tiny, qhu, inside, monkeypatch):
    evaluate = pipeline.evaluate

    def looked(study, cell):  # sent by value: what it sees, it writes down
        counts = {pool["num_threads"] for pool in threadpool_info()}
        Path("threads").write_text(str(counts | {torch.get_num_threads()}))
        return evaluate(study, cell)

    monkeypatch.setattr(pipeline, "evaluate", looked)
    once = ("--methods", "finetune", "--seeds", "0", "--scheduler", inside.scheduler_address)
    assert qhu("run", tiny, *once)[0] == 0
    assert Path("threads").read_text() == "{1}"


def test_local_workers_keep_memory_that_they_use_again():
    """Dask's own setting makes every large tensor cost page faults."""
    with cluster._local(1) as made, Client(made) as client:
        (found,) = client.run(lambda: dict(os.environ)).values()
    assert {found[name] for name in cluster.MALLOC_SETTINGS} == {"1000000000"}


def test_what_stops_a_run_is_not_for_local_workers():
    """They would print a traceback each, or die before their results are kept."""
    before = [signal.getsignal(number) for number in SIGNALS]
    with cluster._local(1) as made, Client(made) as client:
        for number in SIGNALS:
            assert set(client.run(signal.getsignal, number).values()) == {signal.SIG_IGN}
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_workers_that_an_end_in_haste_left_are_ended():
    others = set(multiprocessing.active_children())
    child = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(600,))
    child.start()
    cluster._end(others)
    child.join(60)
    assert child.exitcode == -signal.SIGKILL


def test_what_cannot_begin_is_passed_over_and_comes_first_later():
    one = Step(None, "t", "one", print, None)
    two = Step(None, "t", "two", print, None, frozenset([one]))
    three = Step(None, "t", "three", print, None)
    waiting, coming, done = [], iter([one, two, three]), set()
    ready = cluster._ready(waiting, coming, done)
    assert [next(ready), next(ready)] == [one, three]
    assert waiting == [two]
    assert not list(cluster._ready(waiting, coming, done))
    done.add(one)
    assert list(cluster._ready(waiting, coming, done)) == [two]
    assert not waiting


def refused(qhu, tiny, scheduler):
    """The line that a run is refused with, before it leaves anything behind."""
    code, _, errors = qhu("run", tiny, "--out", "here", "--scheduler", scheduler)
    assert code == 2
    assert errors.count("\n") == 1
    assert not Path("here").exists()
    assert not list(Path("runs/.stages").rglob("*.*"))
    return errors


def test_unfit_workers_are_refused(tiny, qhu, inside, monkeypatch):
    address = inside.scheduler_address
    with monkeypatch.context() as patch:
        patch.setattr(cluster, "code_digest", iter(["here", "there"]).__next__)
        assert "runs another version of qhu's code" in refused(qhu, tiny, address)
    with monkeypatch.context() as patch:
        versions = [{"torch": "2.9"}, {"torch": "2.8"}]
        patch.setattr(cluster, "packages", iter(versions).__next__)
        assert "has torch 2.8, not 2.9" in refused(qhu, tiny, address)
    with monkeypatch.context() as patch:
        other_disk = functools.partial(cluster.Ticket, "/nowhere/.stages/sent/study")
        patch.setattr(cluster, "Ticket", lambda file, *rest: other_disk(*rest))
        assert "does not see /nowhere/.stages: run qhu in a folder" in refused(qhu, tiny, address)


def test_workers_with_threads_are_refused(tiny, qhu):
    with LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0"
    ) as threaded:
        assert "start it with --nthreads 1" in refused(qhu, tiny, threaded.scheduler_address)


def test_nobody_at_the_address(tiny, qhu, monkeypatch):
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        assert "start one by `dask scheduler`" in refused(qhu, tiny, "tcp://127.0.0.1:9")
        assert "no Dask scheduler answers" in refused(qhu, tiny, "nonsense://127.0.0.1:9")


def test_local_workers_or_a_scheduler(tiny, qhu):
    code, _, errors = qhu("run", tiny, "--workers", "1", "--scheduler", "tcp://127.0.0.1:9")
    assert code == 2 and "give one" in errors


def test_a_method_that_cannot_be_sent_is_named(tiny, qhu, inside, slowly, monkeypatch):
    lock = threading.Lock()
    entry = registry.method["slowly"]

    def local(student, task, options):
        with lock:
            entry.make(student, task, options)

    local.__module__ = "__main__"
    monkeypatch.setitem(
        registry.method._entries, "slowly", type(entry)("slowly", local, entry.options)
    )
    code, _, errors = qhu(
        "run", tiny, "--methods", "slowly", "--scheduler", inside.scheduler_address
    )
    assert code == 2 and "cannot be sent to workers" in errors
    with pytest.raises(TypeError):
        pickle.dumps(lock)


def test_a_scheduler_without_workers_is_told(tiny, qhu, inside):
    inside.scale(0)
    wait_for(lambda: not inside.scheduler.workers)
    later = threading.Timer(1, inside.scale, [1])
    later.start()
    code, out, _ = qhu("run", tiny, "--out", "here", "--scheduler", inside.scheduler_address)
    later.join()
    assert code == 0
    assert "waiting for the first" in out


def test_a_scheduler_that_goes_ends_the_run(tiny, qhu, inside, monkeypatch):
    def gone(futures, **_):
        raise OSError("no answer")

    monkeypatch.setattr(cluster, "wait", gone)
    code, _, errors = qhu("run", tiny, "--out", "here", "--scheduler", inside.scheduler_address)
    assert code == 1
    assert "the scheduler has gone (no answer): start it, and the same command resumes" in errors
    assert json.loads(Path("here/run.json").read_text())["status"] == "failed"


def test_a_step_that_kills_its_workers_is_named(tiny, qhu, inside, monkeypatch):
    def result(future, timeout=None):
        raise KilledWorker("train", None, 3)

    monkeypatch.setattr(cluster.Future, "result", result)
    code, _, errors = qhu("run", tiny, "--out", "here", "--scheduler", inside.scheduler_address)
    assert code == 1
    assert re.search(r"train \S+ .*: every worker that tried it died", errors)
    assert json.loads(Path("here/run.json").read_text())["status"] == "failed"


NOTEBOOK = """
def mine(student, task, options: MethodOptions):
    import mine_helper
    mine_helper.move(student)
"""


@pytest.mark.parametrize("changed", ["mine_helper.py", "mine_deeper/rates.csv"])
def test_a_worker_with_another_helper_is_refused(tiny, tmp_path, monkeypatch, changed):
    """A method of a notebook travels itself; modules that it imports lie on the worker's disk."""
    (tmp_path / "mine_deeper").mkdir()
    (tmp_path / "mine_helper.py").write_text("import mine_deeper\ndef move(student): pass\n")
    (tmp_path / "mine_deeper" / "__init__.py").write_text("")
    (tmp_path / "mine_deeper" / "rates.csv").write_text("1")
    monkeypatch.syspath_prepend(tmp_path)
    space = {"__name__": "__main__", "MethodOptions": MethodOptions}
    exec(NOTEBOOK, space)
    entry = type(registry.method["finetune"])("mine", space["mine"], MethodOptions)
    registry.method.names()
    monkeypatch.setattr(registry.method, "_entries", {**registry.method._entries, "mine": entry})
    study = Study(load_experiment(tiny, methods=["mine"]), Store(tmp_path / "stages"))
    with cluster._sent(study) as ticket:
        assert cluster._refusal(ticket) is None
        (tmp_path / changed).write_text("x = 2")
        cluster._study.cache_clear()
        foreign.code_behind.cache_clear()
        assert "has another version of mine_helper" in str(cluster._refusal(ticket))
        foreign.code_behind.cache_clear()


def test_a_study_that_was_changed_on_its_way_is_refused(tiny, tmp_path):
    study = Study(load_experiment(tiny), Store(tmp_path / "stages"))
    with cluster._sent(study) as ticket:
        Path(ticket.file).write_bytes(Path(ticket.file).read_bytes()[:-1])
        assert "than was written" in str(cluster._refusal(ticket))


def test_a_scheduler_with_tls(tiny, qhu, tmp_path):
    """By the certificates that scale.md makes, named in Dask's settings; without them, a line."""
    page = Path(cluster.__file__).parents[2] / "docs" / "scale.md"
    (block,) = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    names = {}
    exec(block, names)
    settings = {"ca-file": "ca.pem", "client.cert": "me.pem", "client.key": "me.key"}
    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        dashboard_address="127.0.0.1:0",
        security=names["made"],
    ) as encrypted:
        address = encrypted.scheduler_address
        assert address.startswith("tls://")
        assert "no Dask scheduler answers" in refused(qhu, tiny, address)
        with dask.config.set({f"distributed.comm.tls.{k}": v for k, v in settings.items()}):
            once = ("--methods", "finetune", "--seeds", "0", "--scheduler", address)
            code, _, errors = qhu("run", tiny, *once, "--out", "here")
    assert (code, errors) == (0, "")


def test_what_workers_execute_is_its_owners_alone(tiny, tmp_path):
    study = Study(load_experiment(tiny), Store(tmp_path / "stages"))
    with cluster._sent(study) as ticket:
        assert Path(ticket.file).stat().st_mode & 0o077 == 0
        assert Path(ticket.file).parent.stat().st_mode & 0o077 == 0
