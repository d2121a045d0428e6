"""The audit against the released Iris models and figures, and image files built in their form."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from qhu.paper.audit import PUBLISHED, audit
from qhu.paper.audit_page import agrees, as_text
from qhu.paper.checkpoint import load_checkpoint
from qhu.paper.release import released_study

REFERENCE = Path(__file__).parents[2] / "../shared/reference"
IRIS = REFERENCE / "iris-checkpoints"
needs_iris = pytest.mark.skipif(not IRIS.is_dir(), reason="the released models are not here")
METHODS = "GA Fisher NegGradPlus CF-k1 EU-k1 SCRUB SCRUB(+R) Certified Q-MUL LCA ADV-UNIFORM"
A, B = "subset2pct", "fullclass"


@pytest.fixture(scope="module")
def iris():
    return audit(IRIS, "iris")


def values(rows, scenario, metric, methods=METHODS):
    found = {
        row.method: row.recomputed
        for row in rows
        if (row.scenario, row.metric) == (scenario, metric)
    }
    return [found[method] for method in methods.split()]


@needs_iris
def test_every_released_iris_row_is_reproduced(iris):
    """Everything but the two columns that the release computed on mismatched rows."""
    released = [row for row in iris if row.published is not None]
    assert len({(row.scenario, row.method) for row in released}) == 22
    assert len(released) == 22 * 16 + 11
    for row in released:
        gap = abs(row.published - row.recomputed)
        if row.metric.startswith(("acc", "Agree", "UQI")) or row.metric.endswith("_drop"):
            assert gap < 1e-12, row
        elif row.metric in ("KL_test", "JS_test"):
            assert gap < 1e-5, row
        elif row.metric == "MIA_AUC":
            assert gap < 5e-5, row
        assert agrees(row) == (row.metric not in ("KL_retain", "JS_retain")), row


@needs_iris
@pytest.mark.parametrize(
    ("scenario", "metric", "expected"),
    [
        (A, "KL_retain", ".1117 .2085 .1819 .2070 .1772 .0754 .1607 .2675 .1024 .1639 .2440 .1894"),
        (B, "KL_retain", ".6103 .8210 .8305 .8672 .8285 .5629 .8395 .8332 .6689 .8886 .6664 .7904"),
        (A, "JS_retain", ".0180 .0263 .0243 .0281 .0235 .0158 .0281 .0314 .0186 .0295 .0408 .0231"),
        (B, "JS_retain", ".1748 .2344 .2378 .2479 .2379 .1544 .2412 .2375 .1883 .2539 .1896 .2262"),
        (A, "MIA_AUC_test", ".3000 .3222 .3111 .3556 .3 .3889 .3222 .2778 .3 .3778 .2444 .3222"),
    ],
)
def test_what_the_release_lacks_is_right(iris, scenario, metric, expected):
    """Values of an independent exact simulation of the released models; `none` first."""
    found = values(iris, scenario, metric, "none " + METHODS)
    np.testing.assert_allclose(found, [float(text) for text in expected.split()], atol=5.1e-5)


@needs_iris
def test_the_honest_rows(iris):
    for scenario, expected in ((A, (0.1480, 0.0263, 0.9333)), (B, (0.7859, 0.2249, 0.5667))):
        found = [values(iris, scenario, m, "none")[0] for m in ("KL_test", "JS_test", "Agree_test")]
        np.testing.assert_allclose(found, expected, atol=5.1e-5)
    np.testing.assert_allclose(
        values(iris, A, "MIA_AUC", "none oracle"), (0.2222, 0.4444), atol=5e-5
    )
    uqi = [values(iris, scenario, "UQI", "oracle")[0] for scenario in (A, B)]
    np.testing.assert_allclose(uqi, (-0.0291, 0.7479), atol=5e-5)
    accuracies = [
        values(iris, B, f"acc_{s}_unlearn", "oracle")[0] for s in ("retain", "forget", "test")
    ]
    assert accuracies == [0.7375, 0, 0.6]


@needs_iris
def test_random_pairing_explains_the_released_divergence(iris):
    """Every released KL_retain is one shuffle; their mean is the expectation over shuffles."""
    for scenario in (A, B):
        shuffled = np.array(values(iris, scenario, "KL_retain_shuffled"))
        cells = [row for row in iris if (row.scenario, row.metric) == (scenario, "KL_retain")]
        released = np.array([row.published for row in cells if row.published is not None])
        np.testing.assert_allclose(released, shuffled, rtol=0.25)
        np.testing.assert_allclose(released.mean(), shuffled.mean(), rtol=0.03)


@needs_iris
def test_the_published_anchor():
    study = released_study("iris")
    net = study.net("evaluate")
    net.load(load_checkpoint(IRIS / "teacher_full_best.pth", net, "iris"))
    net.eval()
    first = study.partition(0).test[0]
    sample = study.partition(0).samples[[first]]
    assert study.data.y[first] == 0
    np.testing.assert_allclose(
        sample[0], (-1.0471976, 0.7853982, -2.8221087, -2.8797932), atol=1e-6
    )
    z, logits = net.features(sample)[0].detach(), net(sample)[0].detach()
    np.testing.assert_allclose(z, (0.4337482, -0.4139410, -0.0866712, -0.0917668), atol=1e-6)
    np.testing.assert_allclose(logits, (3.3502586, -0.1587903, -2.5234826), atol=5e-6)


@needs_iris
def test_the_command_prints_tables_and_json(qhu, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, errors = qhu("audit", IRIS, "--dataset", "iris", "--json")
    assert (code, errors) == (0, "")
    found = json.loads(out)
    assert list(found) == ["dataset", "rows"] and found["dataset"] == "iris"
    assert {tuple(row) for row in found["rows"]} == {
        ("scenario", "method", "metric", "published", "recomputed")
    }
    code, out, errors = qhu("audit", IRIS, "--dataset", "iris")
    assert (code, errors) == (0, "")
    assert "22/22 rows of the release reproduced" in out
    assert "shuffled loader" in out


@needs_iris
def test_a_changed_figure_is_flagged(tmp_path):
    text = (PUBLISHED / "iris.csv").read_text()
    (tmp_path / "changed.csv").write_text(text.replace("0.905982905982906", "0.915982905982906", 1))
    rows = audit(IRIS, "iris", tmp_path / "changed.csv")
    wrong = [r for r in rows if not agrees(r) and r.metric not in ("KL_retain", "JS_retain")]
    assert [(r.scenario, r.method, r.metric) for r in wrong] == [(A, "GA", "acc_retain_unlearn")]
    assert "21/22 rows of the release reproduced" in as_text("iris", rows)
    assert "0.9060!" in as_text("iris", rows)


@needs_iris
@pytest.mark.parametrize(
    ("harm", "dataset", "message"),
    [
        (lambda f: (f / "GA_A_best.pth").unlink(), "iris", "has no GA_A_best.pth"),
        (lambda f: (f / "GA_A_best.pth").write_bytes(b"no"), "iris", "not a released checkpoint"),
        (lambda f: (f / "GA_A_best.pth").write_bytes(b""), "iris", "not a released checkpoint"),
        (lambda f: torch.save([1], f / "GA_A_best.pth"), "iris", "it holds no model_state_dict"),
        (lambda f: torch.save(Path("x"), f / "GA_A_best.pth"), "iris", "not a released checkpoint"),
        (
            lambda f: torch.save({"model_state_dict": {"a": 1}}, f / "GA_A_best.pth"),
            "iris",
            "it holds no model_state_dict",
        ),
        (lambda f: older_run(f / "GA_A_best.pth"), "iris", r"shape \(2, 3, 4\), .* \(6, 3, 4\)"),
        (lambda f: None, "mnist", "is of another network"),
        (lambda f: None, "iris --published iris.pth", "cannot read iris.pth"),
        (lambda f: None, "cifar", "unknown dataset of the release 'cifar'"),
        (
            lambda f: (f / "more").mkdir() or shutil.copy(f / "GA_A_best.pth", f / "more"),
            "iris",
            "has 2 files GA_A_best.pth",
        ),
    ],
)
def test_wrong_files_are_one_line(qhu, tmp_path, harm, dataset, message):
    folder = tmp_path / "models"
    shutil.copytree(IRIS, folder)
    harm(folder)
    code, out, errors = qhu("audit", folder, "--dataset", *dataset.split())
    assert (code, out) == (2, "")
    assert errors.count("\n") == 1
    assert re.search(message, errors), errors


def older_run(path):
    """The release also holds files of a run with two layers."""
    content = torch.load(path, weights_only=True)
    weights = content["model_state_dict"]["q_layer.weights"]
    content["model_state_dict"]["q_layer.weights"] = weights[:2].clone()
    torch.save(content, path)


@pytest.mark.parametrize(
    ("text", "message"), [("a,b\n1,2\n", "lacks the column"), ("", "is not a result table")]
)
def test_a_foreign_result_table_is_refused(qhu, tmp_path, text, message):
    (tmp_path / "other.csv").write_text(text)
    code, _, errors = qhu(
        "audit", tmp_path, "--dataset", "iris", "--published", tmp_path / "other.csv"
    )
    assert code == 2
    assert message in errors


def test_the_released_splits_have_the_released_sizes():
    for name, sizes in (
        ("iris", (117, 3, 30, 80, 40)),
        ("mnist", (1_568, 32, 400, 1_440, 160)),
        ("fashion_mnist", (6_272, 128, 1_600, 5_760, 640)),
    ):
        study = released_study(name)
        a, b = study.partition(0, A), study.partition(0, B)
        rows = (a.retain, a.forget, study.partition(0).test, b.retain, b.forget)
        assert tuple(map(len, rows)) == sizes
    study = released_study("mnist")
    drawn = np.bincount(study.data.y[study.partition(3, A).forget])
    assert drawn.tolist() == [4, 3, 3, 3, 3, 4, 3, 3, 3, 3]
