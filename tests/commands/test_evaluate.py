"""Models that were unlearned elsewhere: scored as a run scores its own, or refused in a line."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

import qhu
from qhu.commands.evaluate import with_models
from qhu.record.folder import RunFolder
from qhu.record.store import Store
from qhu.study import Study

SETTINGS = {
    "name": "tiny",
    "training": {"epochs": 3},
    "unlearning": {"steps": 5},
    "scenarios": {"subset": {"fraction": 0.1}, "class": {"label": 0}},
    "methods": ["finetune"],
    "metrics": ["acc", "kl", "dist"],
    "seeds": [0, 1],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A working folder, shared so that what is computed once is found again."""
    return tmp_path_factory.mktemp("evaluate")


def leave_out(patch):
    """Neither pages nor drawings, which other tests make."""
    patch.setattr("qhu.grid.collect.write_report", lambda folder: None)
    patch.setattr("qhu.grid.collect.drawing", lambda study: "<svg></svg>")


@pytest.fixture(scope="module")
def origin(place):
    """A run whose models are what strangers bring."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        leave_out(patch)
        (place / "tiny.yaml").write_text(json.dumps(SETTINGS))
        return qhu.Run(place / qhu.run("tiny.yaml").folder)


@pytest.fixture(autouse=True)
def _there(origin, place, monkeypatch):
    monkeypatch.chdir(place)


@pytest.fixture
def quick(monkeypatch):
    leave_out(monkeypatch)


@pytest.fixture
def model(origin):
    """Path of a model of the run, by seed, kind and scenario."""
    return RunFolder(origin.folder).model


@pytest.fixture
def pattern(origin, model):
    """Stands for what finetune made of the class scenario, by seed."""
    return str(model(0, "finetune", "class")).replace("seed0", "seed{seed}")


def scores(run, method):
    """Scores of a method in the scenario ``class``, by metric and seed."""
    table = run.results.query(f"method == '{method}' and scenario == 'class'")
    return table.set_index(["metric", "seed"])[["value", "n"]].sort_index()


def predictions(run, method):
    chosen = run.predictions.query(f"scenario == 'class' and method == '{method}'")
    return chosen.drop(columns="method").reset_index(drop=True)


def evaluated(model, experiment="tiny.yaml", **options):
    """A run of models that forgot the class, as ``mine``."""
    return qhu.evaluate(model, experiment, **{"name": "mine", "scenario": "class", **options})


@pytest.mark.parametrize(("kind", "row"), [("finetune", "finetune"), ("oracle", "retrain")])
def test_a_model_of_a_run_has_its_scores(origin, model, quick, kind, row):
    run = evaluated(str(model(0, kind, "class")).replace("seed0", "seed{seed}"))
    for ours, theirs in (("mine", row), ("retrain", "retrain"), ("floor", "floor")):
        pd.testing.assert_frame_equal(scores(run, ours), scores(origin, theirs), check_exact=True)
    assert run.folder != origin.folder
    assert set(run.results["scenario"]) == {"class"}
    assert set(run.results["method"]) == {"none", "retrain", "floor", "mine"}
    pd.testing.assert_frame_equal(
        predictions(run, "mine"), predictions(origin, row), check_exact=True
    )


def test_the_command_writes_a_run_and_nothing_twice(origin, model, pattern, qhu, monkeypatch):
    computed, put = [], Store.put
    monkeypatch.setattr(Store, "put", lambda *a: (computed.append(a[1]), put(*a)))
    asked = ("evaluate", pattern, "--experiment", "tiny.yaml", "--as", "a+b", "--scenario", "class")
    status, printed, errors = qhu(*asked)
    assert status == 0, errors
    folder = Path(re.search(r"report: (\S+)/report.html", printed)[1])
    assert folder.parent == Path("runs/tiny/statevector")
    computed.clear()
    status, printed, _ = qhu(*asked)
    assert status == 0 and f"{folder} is finished already" in printed
    status, printed, _ = qhu("run", folder / "experiment.yaml")
    assert status == 0 and f"{folder} is finished already" in printed
    assert not computed
    record = json.loads((folder / "run.json").read_text())
    assert record["checkpoints"]["a+b"]["class"].keys() == {"0", "1"}
    for seed, about in record["checkpoints"]["a+b"]["class"].items():
        file = model(int(seed), "finetune", "class")
        assert about["file"] == file.name
        assert about["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
        assert about["stage"] in file.read_bytes().decode(errors="ignore")
        assert f"models/seed{seed}-class-a+b.safetensors" in record["files"]
    page = (folder / "report.html").read_text()
    assert "Unlearned elsewhere: a+b; from which model" in page
    assert "a+b (unlearned elsewhere; run.json names the files)" in page
    for untrue in ("Methods started from the teacher", "same budget", "nan"):
        assert untrue not in page


def test_every_form_of_a_model_is_one_model(model, quick, tmp_path):
    tensors = load_file(model(0, "finetune", "class"))
    torch.save(tensors, tmp_path / "x.pt")
    net = qhu.network("tiny.yaml")
    net.load_state_dict(tensors)
    theta = net.theta.get(net)
    forms = [tensors, net, theta, theta.numpy(), tmp_path / "x.pt", str(tmp_path / "x.pt")]
    forms += [[model(0, "finetune", "class")], {k: v.numpy() for k, v in tensors.items()}]
    experiment = qhu.load("tiny.yaml")
    contents = [
        with_models(experiment, form if isinstance(form, list) else [form], "m", "class", 0)
        .checkpoints["m"]["class"][0]
        .content
        for form in forms
    ]
    assert len(set(contents)) == 1
    assert net.training, "a module is left as it was"
    other = {**tensors, "head.2.bias": tensors["head.2.bias"] + 1}
    (changed,) = with_models(experiment, [other], "m", "class", 0).checkpoints["m"].values()
    assert changed[0].content not in contents


def test_one_per_seed_or_a_pattern_in_any_order(model, pattern):
    experiment = qhu.load("tiny.yaml")
    files = [model(seed, "finetune", "class") for seed in (0, 1)]
    whole = with_models(experiment, [pattern], "m", "class")
    for models, seeds in ((files, [0, 1]), (files[::-1], "1,0"), (files, range(2))):
        assert with_models(experiment, models, "m", "class", seeds) == whole
    assert whole.seeds == (0, 1)
    single = with_models(experiment, [pattern], "m", "class", np.int64(1))
    assert single.seeds == (1,)
    assert list(single.checkpoints["m"]["class"]) == [1]
    only = qhu.load("tiny.yaml", "seeds=0", "scenarios={class: {label: 0}}")
    assert with_models(only, files[:1], "m").checkpoints["m"]["class"].keys() == {0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scenario": None}, "say by --scenario what was forgotten: subset, class"),
        ({"scenario": "clas"}, "unknown scenario 'clas': did you mean 'class'?"),
        ({"seeds": None}, "say by --seed which seeds.*the experiment has 0, 1"),
        ({"seeds": 7}, r"seed 7 is none of the experiment's \(0, 1\): add it"),
        ({"seeds": "0,1"}, "1 models for the seeds 0, 1: give one per seed"),
        ({"seeds": "x"}, "seeds must be integers"),
        ({"models": 2, "seeds": 0}, "2 models for the seeds 0"),
        ({"models": 2, "seeds": None}, "say by --seed which seeds"),
        ({"models": 2, "seeds": [0, 0]}, "2 models for the seeds 0, 0"),
        ({"name": "finetune"}, "label 'finetune' is that of a method of the experiment"),
        ({"name": "retrain"}, "that of a method of the experiment"),
        ({"name": "none"}, "that of a method of the experiment"),
        ({"name": "floor"}, "that of a model trained from scratch"),
        ({"name": "Teacher"}, "that of a model trained from scratch"),
        ({"name": "scrub"}, "that of a registered method"),
        ({"name": "Finetune"}, "differ in case only"),
        ({"name": "a b"}, "a name has the pattern"),
        ({"name": "../x"}, "a name has the pattern"),
        ({"name": ""}, "a name has the pattern"),
    ],
)
def test_what_is_not_plain_is_refused(model, options, message):
    asked = {"models": 1, "name": "mine", "scenario": "class", "seeds": 0, **options}
    models = [model(0, "finetune", "class")] * asked.pop("models")
    before = sorted(Path("runs").rglob("*"))
    with pytest.raises(qhu.UserError, match=message) as caught:
        with_models(qhu.load("tiny.yaml"), models, **asked)
    assert "\n" not in str(caught.value)
    assert sorted(Path("runs").rglob("*")) == before


def test_a_model_is_one_sample(model):
    tensors = load_file(model(0, "finetune", "class"))
    with pytest.raises(qhu.UserError, match="models of seeds 0 and 1 are the same"):
        with_models(qhu.load("tiny.yaml"), [tensors, tensors], "mine", "class", [0, 1])


def test_the_command_refuses_in_a_line_and_writes_nothing(model, qhu, tmp_path):
    torch.save({"fc.weight": torch.zeros(2)}, tmp_path / "x.pt")
    before = sorted(Path("runs").rglob("*"))
    for words, message in (
        ((tmp_path / "x.pt", "--seed", "0"), "not of the experiment's network: it lacks"),
        ((tmp_path / "x{seed}.pt",), "x0.pt: No such file"),
        ((model(0, "teacher"),), "say by --seed"),
        ((model(1, "teacher"), "--seed", "0"), "is of seed 1, as the run that wrote it says"),
        ((model(0, "teacher"), "--seed", "0", "-s", "model.layers=3"), "expected (36,)"),
    ):
        asked = ("evaluate", *words, "--experiment", "tiny.yaml", "--as", "x")
        status, _, errors = qhu(*asked, "--scenario", "class")
        assert status == 2
        assert message in errors and errors.count("\n") == 1
    assert sorted(Path("runs").rglob("*")) == before


def test_another_model_stands_beside_the_first(pattern, quick, origin):
    first = evaluated(pattern, seed=0)
    oracle = str(pattern).replace("class-finetune", "class-oracle")
    both = evaluated(oracle, first.folder / "experiment.yaml", name="other")
    assert set(both.results["method"]) == {"none", "retrain", "floor", "mine", "other"}
    assert len(both.facts.query("method == 'mine'")) == 1
    assert both.facts.query("method == 'mine'")["steps"].isna().all()
    of_seed = scores(origin, "retrain").query("seed == 0")
    pd.testing.assert_frame_equal(scores(both, "other"), of_seed, check_exact=True)


def test_scenarios_that_the_split_or_the_teacher_depends_on_stay():
    chosen = {"pinned": {"ids": [3, 60]}, "left": {"fraction": 0.2}, **SETTINGS["scenarios"]}
    settings = {**SETTINGS, "scenarios": chosen, "training": {"teacher_without": "left"}}
    experiment = qhu.Experiment.model_validate(settings)
    theta = qhu.network(experiment).state_dict()
    narrow = with_models(experiment, [theta], "m", "class", 0)
    assert list(narrow.scenarios) == ["pinned", "left", "class"]
    full, part = (Study(e).partition(0, "class") for e in (experiment, narrow))
    assert np.array_equal(full.train, part.train)
    assert np.array_equal(full.forget, part.forget)
    assert torch.equal(full.samples, part.samples)


def test_a_model_sees_samples_as_it_was_trained(quick):
    scaled = {**SETTINGS, "name": "scaled", "data": {"scale_rows": "retain"}, "seeds": [0]}
    run = qhu.run(scaled)
    oracle = RunFolder(run.folder).model(0, "oracle", "class")
    by_file = evaluated(oracle, scaled)
    pd.testing.assert_frame_equal(scores(by_file, "mine"), scores(run, "retrain"), check_exact=True)
    net = qhu.network(scaled).eval()
    net.load_state_dict(load_file(oracle))
    samples = qhu.partition(scaled, seed=0, scenario="class").samples
    stored = run.predictions.query("method == 'retrain' and scenario == 'class'").set_index("row")
    probabilities = net(samples).softmax(dim=1).detach().numpy()
    assert np.allclose(stored[["p0", "p1", "p2"]], probabilities[stored.index], atol=1e-6)
    without = {**scaled, "scenarios": {"elsewhere": {"label": 0}}}
    with pytest.raises(qhu.UserError, match="scaled without the forget rows of scenario 'class'"):
        with_models(qhu.Experiment.model_validate(without), [oracle], "m")


def test_a_model_that_the_store_lost_is_asked_for(pattern, quick, place, tmp_path, monkeypatch):
    run = evaluated(pattern)
    settings = (run.folder / "experiment.yaml").read_text()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.yaml").write_text(settings)
    with pytest.raises(qhu.UserError, match=r"class mine seed 0 \(seed0.*\) is not kept here"):
        qhu.run("e.yaml")
    shutil.copytree(place / "runs" / ".stages", tmp_path / "runs" / ".stages")
    with pytest.raises(qhu.UserError, match=r"class mine seed 0: quantum\.weight has shape"):
        qhu.run(qhu.load("e.yaml", "model.layers=1"))
    assert qhu.run("e.yaml").folder == run.folder


def test_a_damaged_copy_is_brought_again(model, capsys):
    asked = (qhu.load("tiny.yaml"), [model(0, "none", "class")], "mine", "class", 0)
    content = with_models(*asked).checkpoints["mine"]["class"][0].content
    store = Store(Path("runs/.stages"))
    before = store.path(content).read_bytes()
    store.path(content).write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    with_models(*asked)
    assert "is damaged" in capsys.readouterr().err
    assert store.path(content).read_bytes() == before


def test_it_works_under_noise_and_compares(pattern, quick, qhu):
    asked = ("evaluate", pattern, "--experiment", "tiny.yaml", "--as", "mine", "--seed", "0")
    asked = (*asked, "--scenario", "class", "-s", "evaluation.retain=5")
    folders = []
    for words in (("--backend", "fake_manila"), ()):
        status, printed, errors = qhu(*asked, *words)
        assert status == 0, errors
        folders.append(re.search(r"report: (\S+)/report.html", printed)[1])
    assert folders[0].startswith("runs/tiny/fake_manila/")
    status, _, errors = qhu("compare", *folders[::-1], "--out", "compared")
    assert status == 0, errors
    assert "mine" in Path("compared/compare.csv").read_text()


def test_the_documented_commands(qhu, quick, origin, model, pattern, tmp_path, monkeypatch):
    root = Path(__file__).parents[2]
    lines = re.findall(r"^qhu (evaluate .*?)(?:  #.*)?$", (root / "README.md").read_text(), re.M)
    lines += re.findall(r"^qhu (evaluate .*)$", (root / "docs" / "howto.md").read_text(), re.M)
    assert len(lines) == 3
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments").symlink_to(root / "experiments")
    (tmp_path / "mine").mkdir()
    for seed in range(2):
        tensors = load_file(model(seed, "finetune", "class"))
        torch.save(tensors, tmp_path / "mine" / f"seed{seed}.pt")
    shutil.copy(tmp_path / "mine" / "seed0.pt", "mine.pt")
    few = ("-s", "training.epochs=1", "-s", "seeds=0-1", "-s", "metrics=[acc]")
    few += ("-s", "evaluation.retain=5")
    for line in lines:
        words = [word.strip("'") for word in line.split()]
        status, printed, errors = qhu(*words, *few)
        assert status == 0, errors
        assert re.search(r"^\s*mine\s", printed, re.MULTILINE), printed
