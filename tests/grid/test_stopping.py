"""What clusters and closed terminals send stops a run as Ctrl-C does."""

import json
import os
import signal
from pathlib import Path

import pandas as pd
import pytest

from qhu import pipeline
from qhu.claims import run as claims
from qhu.commands import ablate
from qhu.errors import Interrupted
from qhu.evidence import run as evidence
from qhu.grid import collect
from qhu.grid.stopping import FROM_OUTSIDE, held, stoppable
from qhu.paper import run as paper
from qhu.tune import run as tune


@pytest.fixture(autouse=True)
def as_in_a_shell():
    """Nothing is ignored from the start, as it is of commands in the background or under nohup."""
    usual = {signal.SIGINT: signal.default_int_handler} | dict.fromkeys(
        FROM_OUTSIDE, signal.SIG_DFL
    )
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def status(folder):
    return json.loads(Path(folder, "run.json").read_text())["status"]


@pytest.fixture
def killed(monkeypatch):
    """Sends signals to this process before a function is called for the n-th time."""
    calls = []

    def add(where, name, numbers, nth=1):
        function = getattr(where, name)

        def sending(*arguments):
            calls.append(arguments)
            if len(calls) == nth:
                for number in numbers:
                    os.kill(os.getpid(), number)
            return function(*arguments)

        monkeypatch.setattr(where, name, sending)

    return add


@pytest.mark.parametrize("number", FROM_OUTSIDE)
def test_a_signal_keeps_what_is_finished(tiny, qhu, killed, number):
    before = [signal.getsignal(each) for each in FROM_OUTSIDE]
    killed(pipeline, "evaluate", [number], nth=8)
    code, _, errors = qhu("run", tiny, "--out", "here")
    assert code == 130
    assert errors == "qhu: stopped: what is finished is kept; the same command resumes\n"
    assert status("here") == "cancelled"
    cells = pd.read_csv("here/results.csv")[["scenario", "method", "seed"]].drop_duplicates()
    assert len(cells) == 7
    assert [signal.getsignal(each) for each in FROM_OUTSIDE] == before


def test_files_that_are_being_written_are_written(tiny, qhu, killed):
    killed(collect, "write_files", [signal.SIGTERM])
    command = ("run", tiny, "--out", "here", "--seeds", "0", "--methods", "finetune")
    assert qhu(*command)[0] == 130
    assert status("here") == "finished"
    code, out, _ = qhu(*command)
    assert code == 0 and "nothing to compute" in out


def test_a_second_signal_does_not_cut_the_end_short():
    ended = []
    with pytest.raises(Interrupted), stoppable():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGHUP)
            ended.append(True)
    assert ended


def test_nohup_is_heeded():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_held_signal_arrives_afterwards(number):
    done = []
    with pytest.raises(Interrupted), stoppable():
        with held():
            signal.raise_signal(number)
            done.append("held")
        done.append("not reached")
    assert done == ["held"]


class Sender:
    """Whoever looks at it gets a signal first."""

    def __getattr__(self, name):
        signal.raise_signal(signal.SIGTERM)

    def __iter__(self):
        return self.any


@pytest.mark.parametrize(
    ("run", "arguments"),
    [
        (evidence.run, 3),
        (tune.run, 5),
        (ablate.run, 4),
        (paper.run, 4),
        (claims.run, 5),
    ],
)
def test_every_command_that_takes_long_is_stopped_alike(run, arguments):
    with pytest.raises(Interrupted):
        run(*(Sender() for _ in range(arguments)))
