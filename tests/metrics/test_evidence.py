import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from qhu import registry
from qhu.errors import QhuError, UnknownName
from qhu.metrics.evidence import Measured, measure


def test_all_registered_metrics_by_default(make_evidence):
    families = {"acc", "kl", "js", "agree", "cka", "mia", "uqi", "dist"}
    assert families <= set(registry.metric.names())
    expected = {"acc_retain", "delta_acc_test", "kl_forget", "dist_theta", "mia_gap_forget", "uqi"}
    assert expected <= set(measure(make_evidence()))


def test_chosen_metrics_only(make_evidence):
    assert set(measure(make_evidence(), ["kl"])) == {"kl_retain", "kl_forget", "kl_test"}


def test_unknown_metric_names_the_nearest(make_evidence):
    with pytest.raises(UnknownName, match="did you mean 'agree'"):
        measure(make_evidence(), ["agre"])


def test_two_metrics_may_not_return_the_same_name(make_evidence):
    with pytest.raises(QhuError, match="'kl' and 'kl' both have a score 'kl_retain'"):
        measure(make_evidence(), ["kl", "kl"])


def test_a_score_that_is_not_declared_is_refused(make_evidence):
    entry = registry.metric["kl"]
    partial = dataclasses.replace(entry, reads={"kl_retain": entry.reads["kl"]})
    with pytest.raises(QhuError, match="'kl' returns 'kl_forget' and does not say how"):
        measure(make_evidence(), ["kl"], {"kl": partial})


@pytest.mark.parametrize("span", [(0, 1e-3), (-1, -1e-3), (30, None), (None, -1)])
def test_a_score_outside_its_declared_span_is_refused(make_evidence, span):
    entry = registry.metric["kl"]
    reading = entry.reads["kl"].model_copy(update={"span": span})
    with pytest.raises(QhuError, match=r"'kl' returns kl_\w+ = [\d.]+, and declares a span of"):
        measure(make_evidence(), ["kl"], {"kl": dataclasses.replace(entry, reads={"kl": reading})})


def test_rounding_past_the_end_of_a_span_is_no_mistake(make_evidence):
    entry, measured = registry.metric["kl"], measure(make_evidence(), ["kl"])
    most = max(score.value for score in measured.values()) - 1e-9
    reading = entry.reads["kl"].model_copy(update={"span": (0, most)})
    entry = dataclasses.replace(entry, reads={"kl": reading})
    assert measure(make_evidence(), ["kl"], {"kl": entry}) == measured


def test_a_score_that_two_metrics_declare_is_refused(make_evidence):
    kl = registry.metric["kl"]
    other = dataclasses.replace(registry.metric["js"], reads=kl.reads | registry.metric["js"].reads)
    with pytest.raises(QhuError, match="'js' and 'kl' both have a score 'kl_retain'"):
        measure(make_evidence(), ["js", "kl"], {"kl": kl, "js": other})


def test_n_is_the_number_of_rows(make_evidence):
    scores = measure(make_evidence(), ["acc"])
    assert [scores[f"acc_{s}"].n for s in ("retain", "forget", "test")] == [4, 3, 3]


def test_a_subset_without_rows_is_absent(make_evidence):
    subsets = {"retain": range(4), "forget": range(4, 10), "test": []}
    assert set(make_evidence(subsets=subsets).mean_by_subset("x", np.ones(10))) == {
        "x_retain",
        "x_forget",
    }


def test_mean_by_subset(make_evidence):
    found = make_evidence().mean_by_subset("x", np.arange(10.0))
    assert found["x_forget"] == Measured(5.0, 3)


@pytest.mark.parametrize("part", ["probabilities", "features", "theta"])
def test_a_diverged_model_is_refused(make_evidence, part):
    evidence = make_evidence()
    broken = getattr(evidence.model, part).copy()
    broken.flat[0] = np.nan
    model = dataclasses.replace(evidence.model, **{part: broken})
    with pytest.raises(QhuError, match="diverged"):
        dataclasses.replace(evidence, model=model)


@pytest.mark.parametrize("part", ["probabilities", "features", "theta"])
def test_outputs_of_other_rows_or_another_model_are_refused(make_evidence, part):
    evidence = make_evidence()
    oracle = dataclasses.replace(evidence.oracle, **{part: getattr(evidence.oracle, part)[1:]})
    with pytest.raises(ValueError, match="oracle"):
        dataclasses.replace(evidence, oracle=oracle)


def test_missing_subset_is_refused(make_evidence):
    with pytest.raises(ValueError, match="forget"):
        make_evidence(subsets={"retain": [0], "test": [1]})


def test_the_example_of_the_docs_works(make_evidence, monkeypatch):
    text = (Path(__file__).parents[2] / "docs" / "metrics" / "index.md").read_text()
    monkeypatch.setattr(registry.metric, "_entries", {})
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL).group(1), {"__name__": __name__})
    scores = measure(make_evidence(model={"probabilities": [[0.5, 0.5]] * 10}), ["entropy"])
    assert scores["entropy_forget"] == (pytest.approx(np.log(2)), 3)
