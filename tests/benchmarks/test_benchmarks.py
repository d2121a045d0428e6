import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import cases, contender, rows, serve
from benchmarks.floor import state_vector

TINY = cases.Case("3x2", cases.layer_problem(3, 2, layers=1), ("qhu", "estimator-qnn"))
CASES = {"4x32", "8x64", "10x64", "12x64", "mnist-step", "fashion-step", "noisy-step", "iris-study"}
RESULTS = Path(cases.__file__).with_name("results.json")


class Fake:
    """Contenders that agree, but for one whose gradient is slightly off."""

    wrong = "estimator-qnn"

    def __init__(self, name, threads):
        self.name = name

    def prepare(self, problem):
        off = 1e-3 * (self.name == self.wrong)
        return [np.ones((2, 3)), np.ones((1, 3, 3)) + off, np.ones((2, 3))]

    def time(self, repeat):
        return [1.0] * repeat

    def close(self):
        pass


def run(case, **settings):
    return cases.run_case(case, threads=1, say=lambda text: None, **settings)


def test_contenders_agree_and_give_rows():
    found, left_out = run(TINY, thin=25)
    assert [row["contender"] for row in found] == ["qhu", "estimator-qnn"]
    assert not left_out
    for row in found:
        assert row["case"] == "3x2"
        assert row["n"] >= 1
        assert 0 < row["min_ms"] <= row["median_ms"]
        assert row["iqr_ms"] >= 0
        assert row["differs_by"] < row["tolerance"]
        assert (row["qubits"], row["batch"], row["layers"]) == (3, 2, 1)
        assert row["floor_ms"] > 0
    json.dumps(found)


def test_wrong_gradient_is_refused(monkeypatch):
    monkeypatch.setattr(cases, "Contender", Fake)
    found, left_out = run(TINY)
    assert [row["contender"] for row in found] == ["qhu"]
    assert left_out[0]["contender"] == "estimator-qnn"
    assert "differs by 1.0e-03" in left_out[0]["why"]


def test_wrong_qhu_stops_the_run(monkeypatch):
    monkeypatch.setattr(cases, "Contender", Fake)
    monkeypatch.setattr(Fake, "prepare", lambda self, problem: [np.full(2, np.nan)])
    with pytest.raises(rows.DifferentWork):
        run(TINY)


def test_missing_environment_leaves_peers_out(monkeypatch, tmp_path):
    monkeypatch.setattr(contender, "PEERS", tmp_path / "python")
    with pytest.raises(contender.ContenderFailed, match="make bench"):
        contender.Contender("lightning", threads=1)


@pytest.mark.parametrize(
    "found", [[np.zeros(3)], [np.zeros(2), np.zeros(2)], [np.array([0.0, np.nan])]]
)
def test_shape_number_and_nan_are_differences(found):
    with pytest.raises(rows.DifferentWork):
        rows.difference("peer", found, [np.array([0.0, 1.0])], tolerance=10)


def test_contenders_take_turns():
    calls = []

    def timer(name):
        def time(repeat):
            calls.append(name)
            return [100.0] * repeat

        return time

    times = rows.interleaved({name: timer(name) for name in "ab"})
    assert {len(taken) for taken in times.values()} == {50}
    assert "".join(calls).startswith("ab" + "abba" * 10)


def test_floor_is_linear_in_samples():
    one, ten = state_vector(8, 1, 2), state_vector(8, 10, 2)
    assert ten.operations == 10 * one.operations
    assert ten.bytes == 10 * one.bytes


def test_cases_and_contenders_have_the_agreed_names():
    assert {case.name for case in cases.all_cases()} | {"iris-study"} == CASES
    named = {name for case in cases.all_cases() for name in case.contenders}
    assert named == set(serve.MODULES)
    kept = json.loads(RESULTS.read_text())
    assert {row["case"] for row in kept["rows"]} <= CASES
    assert {row["contender"] for row in kept["rows"]} <= named
