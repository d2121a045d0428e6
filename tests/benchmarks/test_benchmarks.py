import json
from pathlib import Path

import numpy as np
import pytest
import torch
from qiskit.quantum_info import Statevector

import benchmarks.__main__ as benchmarks
from benchmarks import cases, circuits, contender, dense, ours, rows, serve, study
from benchmarks.clear import clear_images
from benchmarks.floor import state_vector, works

TINY = cases.Case("3x2", cases.layer_problem(3, 2, layers=1), ("qhu", "estimator-qnn"))
CASES = {
    *("4x32", "8x64", "10x64", "12x64", "zz-real", "strongly", "six-layers", "amplitude-8q"),
    *("mnist-step", "fashion-step", "noisy-step", "iris-study"),
}
STEP = 2e-6
"""Of central differences: angles such as 2(π-x)(π-y) have large third derivatives."""
RESULTS = Path(cases.__file__).with_name("results.json")


class Fake:
    """Contenders that agree with each other, but for those that a test lets go wrong."""

    wrong: dict[str, float] = {}
    broken: set[str] = set()
    late: set[str] = set()

    def __init__(self, name, threads):
        self.name = name

    def prepare(self, problem):
        if self.name in self.broken:
            raise contender.ContenderFailed("out of memory")
        off = self.wrong.get(self.name, 0.0)
        return [np.ones((2, 3)), np.ones(9) + off, np.ones((2, 3))]

    def time(self, repeat):
        if self.name in self.late:
            raise contender.ContenderFailed("no answer within 600 seconds")
        return [1.0] * repeat

    def close(self):
        pass


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(cases, "Contender", Fake)
    return lambda **trouble: [monkeypatch.setattr(Fake, k, v) for k, v in trouble.items()]


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


ONE_FAILS = [
    ({"wrong": {"NAME": 1e-3}}, "differs by 1.0e-03"),
    ({"wrong": {"NAME": np.nan}}, "not finite"),
    ({"broken": {"NAME"}}, "out of memory"),
    ({"late": {"NAME"}}, "no answer within"),
]


@pytest.mark.parametrize("name", TINY.contenders)
@pytest.mark.parametrize(("trouble", "why"), ONE_FAILS)
def test_a_failure_costs_its_own_row_only(fake, trouble, why, name):
    fake(**{kind: _named(names, name) for kind, names in trouble.items()})
    timed, failures = run(TINY)
    assert [row["contender"] for row in timed] == [n for n in TINY.contenders if n != name]
    assert [(row["case"], row["contender"]) for row in failures] == [("3x2", name)]
    assert why in failures[0]["why"]


def _named(trouble, name):
    return {name: trouble["NAME"]} if isinstance(trouble, dict) else {name}


@pytest.mark.parametrize("trouble", [{"broken": {"dense"}}, {"wrong": {"dense": np.nan}}])
def test_the_next_reference_stands_in(fake, trouble):
    fake(**trouble)
    assert len(run(TINY)[0]) == 2


def test_without_any_reference_only_other_work_is_timed(fake):
    problem = {"kind": "training", "qubits": 3, "layers": 1, "batch": 2}
    twin = "classical-twin"
    case = cases.Case("3x2", problem, ("qhu", twin), ("dense",), other_work=(twin,))
    fake(broken={"dense"})
    timed, failures = run(case)
    assert [row["contender"] for row in timed] == ["classical-twin"]
    assert failures[0]["why"] == "nothing to check it against: dense: out of memory"


def test_a_contender_tells_why_it_fails(monkeypatch):
    unknown = contender.Contender("qhu", threads=1)
    with pytest.raises(contender.ContenderFailed, match="KeyError"):
        unknown.prepare({"kind": "unknown"})
    with pytest.raises(contender.ContenderFailed, match="a problem comes first"):
        unknown.time(1)
    unknown._process.kill()
    with pytest.raises(contender.ContenderFailed, match="SIGKILL"):
        unknown.time(1)
    unknown.close()


def test_a_contender_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(contender, "ANSWER_SECONDS", 0.05)
    hanging = contender.Contender("qhu", threads=1)
    with pytest.raises(contender.ContenderFailed, match=r"no answer within 0\.05 seconds"):
        hanging.prepare(TINY.problem)
    hanging.close()
    assert hanging._process.returncode < 0


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

    times, failures = rows.interleaved({name: timer(name) for name in "ab"})
    assert not failures
    assert {len(taken) for taken in times.values()} == {50}
    assert "".join(calls).startswith("ab" + "abba" * 10)


def test_floor_is_linear_in_samples():
    one, ten = state_vector(8, 1, 2), state_vector(8, 10, 2)
    assert ten.operations == 10 * one.operations
    assert ten.bytes == 10 * one.bytes


def test_cases_and_contenders_have_the_agreed_names():
    assert {case.name for case in cases.all_cases()} | {"iris-study"} == CASES
    named = {name for case in cases.all_cases() for name in case.contenders}
    assert named | {"dense"} == set(serve.MODULES)
    kept = json.loads(RESULTS.read_text())
    assert {row["case"] for row in kept["rows"]} <= CASES
    assert {row["contender"] for row in kept["rows"]} <= named


@pytest.mark.parametrize("case", cases.all_cases(), ids=lambda case: case.name)
def test_every_contender_has_a_floor(case):
    assert works(case.problem, couplings=4).keys() >= set(case.contenders)


def problem_of(name):
    case = next(case for case in cases.all_cases() if case.name == name)
    return {k: np.array(v) if isinstance(v, list) else v for k, v in case.problem.items()}


def arrays(step):
    return [np.asarray(array) for array in step()]


@pytest.mark.parametrize("circuit", circuits.CIRCUITS)
def test_the_reference_agrees_with_qiskit(circuit):
    """⟨Z⟩ by ``Statevector`` of what users build, gradients by central differences of it."""
    given = cases.layer_problem(3, 2, layers=1, circuit=circuit)
    problem = {k: np.array(v) if isinstance(v, list) else v for k, v in given.items()}
    outputs, weights, inputs = arrays(dense.layer(problem))
    ansatz = ours.ansatz(problem)

    def exact(x, w):
        inputs = ansatz.values(torch.tensor(x)).tolist()
        values = dict(zip([*ansatz.inputs, *ansatz.weights], [*inputs, *w], strict=True))
        state = Statevector(ansatz.circuit.assign_parameters(values))
        return [state.expectation_value(o).real for o in ansatz.observables]

    def total(x, w):
        return sum(c @ exact(row, w) for c, row in zip(problem["cotangent"], x, strict=True))

    x, w = problem["inputs"], problem["weights"]
    assert outputs == pytest.approx(np.array([exact(row, w) for row in x]), abs=1e-12)
    for place in np.ndindex(w.shape):
        h = np.zeros_like(w)
        h[place] = STEP
        assert weights[place] == pytest.approx(
            (total(x, w + h) - total(x, w - h)) / (2 * STEP), abs=1e-8
        )
    for place in np.ndindex(x.shape):
        h = np.zeros_like(x)
        h[place] = STEP
        assert inputs[place] == pytest.approx(
            (total(x + h, w) - total(x - h, w)) / (2 * STEP), abs=1e-8
        )


@pytest.mark.parametrize("name", ["mnist-step", "fashion-step"])
def test_rounding_decides_nothing_in_a_training_step(name, monkeypatch):
    """Noise of the size of rounding on the weights moves the gradient as little as it is itself."""
    problem = problem_of(name) | {"dtype": "float64"}
    expected = arrays(ours.training_step(problem, quantum=True))
    roundings, build = torch.Generator().manual_seed(0), ours.HybridNet.to

    def rounded(net, dtype):
        net = build(net, dtype)
        for parameter in net.parameters():
            noise = torch.rand(parameter.shape, generator=roundings, dtype=dtype) - 0.5
            parameter.data += 4 * torch.finfo(torch.float32).eps * noise * parameter.abs().max()
        return net

    monkeypatch.setattr(ours.HybridNet, "to", rounded)
    for _ in range(4):
        values = arrays(ours.training_step(problem, quantum=True))
        assert 0 < rows.difference("rounded", values, expected, cases.TOLERANCE) < 1e-5
    monkeypatch.undo()
    single = arrays(ours.training_step(problem | {"dtype": "float32"}, quantum=True))
    assert rows.difference("single", single, expected, cases.TOLERANCE) < 2e-5


def test_images_on_which_rounding_decides_are_passed_over():
    front = torch.nn.Sequential(torch.nn.MaxPool2d(2), torch.nn.ReLU())
    clear_cut, tie = torch.tensor([[1.0, 0.5], [0.2, 0.1]]), torch.tensor([[1.0, 1.0], [0.2, 0.1]])
    near_zero = torch.tensor([[1e-7, -0.5], [-0.2, -0.1]])
    images = torch.stack([tie, clear_cut, near_zero, 0.9 * clear_cut]).double()
    assert torch.equal(clear_images(front, images, 2), images[[1, 3]])
    with pytest.raises(ValueError, match="on 2 images, not on 3"):
        clear_images(front, images, 3)


@pytest.fixture
def bench(monkeypatch, tmp_path, capsys):
    """Runs ``python -m benchmarks`` on fakes; returns results and what was printed."""
    file = tmp_path / "results.json"
    stale = [rows.failed("iris-study", "qhu", "stale"), rows.failed("growth", "qhu", "stale")]
    file.write_text(json.dumps({"rows": [], "failed": stale}))
    monkeypatch.setattr(cases, "Contender", Fake)
    monkeypatch.setattr(benchmarks, "pin", lambda threads: None)
    monkeypatch.setattr(benchmarks, "describe", lambda threads: {"cpu": "fake"})
    monkeypatch.setattr(benchmarks, "iris_study", lambda threads: _row("iris-study"))
    monkeypatch.setattr(benchmarks, "points", lambda: [("qubits", {"qubits": n}) for n in (2, 3)])
    monkeypatch.setattr(benchmarks, "measure", lambda axis, sizes: _row(axis) | sizes)
    monkeypatch.setattr(benchmarks, "many_models", lambda: FIT)
    monkeypatch.setattr(benchmarks, "draw_growth", lambda rows, folder: [])
    monkeypatch.setattr("sys.argv", ["benchmarks", "--out", str(file)])

    def call():
        benchmarks.main()
        return json.loads(file.read_text()), capsys.readouterr().out

    return call


SIZES = {"qubits": 4, "batch": 32, "layers": 2, "dtype": "float32"}
FIT = {"models": 2, "throughput_ratio": 2.0, "at_once_ms": 1, "one_by_one_ms": 2, "epochs": 1}


def _row(case):
    return rows.row(case, "qhu", [1.0], **SIZES)


def fail(*arguments):
    raise RuntimeError("it broke\nin two lines")


def test_every_row_is_there(bench):
    results, printed = bench()
    expected = {(case.name, name) for case in cases.all_cases() for name in case.contenders}
    timed = {(row["case"], row["contender"]) for row in results["rows"]}
    assert timed == expected | {("iris-study", "qhu")}
    assert results["failed"] == []
    assert all(name in printed for name in serve.MODULES if name != "dense")


@pytest.mark.parametrize("contender_name", sorted(set(serve.MODULES) - {"dense"}))
def test_a_broken_contender_costs_its_rows_only(bench, fake, contender_name):
    complete = {(row["case"], row["contender"]) for row in bench()[0]["rows"]}
    fake(broken={contender_name})
    results, printed = bench()
    timed = {(row["case"], row["contender"]) for row in results["rows"]}
    lost = {(row["case"], row["contender"]) for row in results["failed"]}
    studies = {("iris-study", "qhu")}
    assert lost == {pair for pair in complete - studies if pair[1] == contender_name}
    assert timed | lost == complete
    assert printed.count("failed: out of memory") == len(lost)


@pytest.mark.parametrize(
    ("part", "lost"),
    [
        ("iris_study", [("iris-study", "qhu")]),
        ("measure", [("growth", "qhu, {'qubits': 2}"), ("growth", "qhu, {'qubits': 3}")]),
        ("many_models", [("growth", "many models")]),
        ("draw_growth", [("growth", "plots")]),
    ],
)
def test_a_broken_part_costs_itself_only(bench, monkeypatch, part, lost):
    monkeypatch.setattr(benchmarks, part, fail)
    results, printed = bench()
    assert [(row["case"], row["contender"]) for row in results["failed"]] == lost
    assert {row["why"] for row in results["failed"]} == {"RuntimeError: it broke"}
    assert len({row["case"] for row in results["rows"]}) == len(CASES) - (part == "iris_study")
    assert "failed: RuntimeError: it broke" in printed


def test_a_failed_study_says_its_last_line(monkeypatch, tmp_path):
    missing = tmp_path / "missing.yaml"
    monkeypatch.setattr(study, "IRIS", missing)
    with pytest.raises(contender.ContenderFailed, match=r"missing\.yaml"):
        study.iris_study(threads=1)
