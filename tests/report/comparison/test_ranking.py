import numpy as np
import pandas as pd
import pytest
from scipy import stats

from qhu.report.comparison.ranking import rank
from qhu.report.statistics import judged


def run(values, oracle=0.0):
    """Results of one metric: method to values by seed, beside an oracle and a floor."""
    columns = {"retrain": [oracle] * 99, "floor": [oracle] * 99, **values}
    return pd.DataFrame(
        [(m, seed, v) for m, found in columns.items() for seed, v in enumerate(found)],
        columns=["method", "seed", "value"],
    )


def noisy(rng, means, seeds=8, spread=0.3):
    return {m: mean + spread * rng.normal(size=seeds) for m, mean in means.items()}


def test_tau_is_scipys():
    rng = np.random.default_rng(3)
    means = dict(zip("abcdef", rng.uniform(1, 3, 6), strict=True))
    one, other = noisy(rng, means), noisy(rng, means)
    found = rank([run(one), run(other)])
    scores = [[np.abs(values).mean() for values in run.values()] for run in (one, other)]
    assert found.tau.mean == pytest.approx(stats.kendalltau(*scores).statistic)
    assert found.tau.low <= found.tau.mean <= found.tau.high
    assert found.places["reference"].to_list() == stats.rankdata(scores[0]).tolist()
    assert found.places["run"].to_list() == stats.rankdata(scores[1]).tolist()


def test_ties_share_their_rank_and_count_in_tau():
    one = {"a": [1.0, 1], "b": [1.0, 1], "c": [2.0, 2]}
    other = {"a": [1.0, 1], "b": [2.0, 2], "c": [3.0, 3]}
    found = rank([run(one), run(other)])
    assert found.places["reference"].to_list() == [1.5, 1.5, 3]
    assert found.tau.mean == pytest.approx(stats.kendalltau([1, 1, 2], [1, 2, 3]).statistic)
    assert not found.pairs["swapped"].any()


def test_closeness_counts_on_either_side_of_the_oracle():
    found = rank([run({"above": [0.9], "below": [0.3]}, oracle=0.5)] * 2)
    assert found.places.set_index("method")["reference"].to_dict() == {"below": 1, "above": 2}


def test_the_probability_of_a_swap_has_a_closed_form():
    """With two seeds a resample is (0, 0), (1, 1) or both: ¼, ¼, ½; ties are no swap."""
    one = {"a": [1.0, 1.0], "b": [2.0, 2.0]}
    other = {"a": [1.0, 3.0], "b": [2.0, 2.5]}  # b closer in seed 1; in the mean a by 2.0 to 2.25
    pair = rank([run(one), run(other)]).pairs.iloc[0]
    assert (pair["closer"], pair["other"]) == ("a", "b")
    assert pair["swap"] == pytest.approx(1 / 4, abs=0.03)
    assert not pair["swapped"]


def swaps(one, other):
    found = rank([run(one), run(other)])
    return found._replace(orders=judged({"page": found.orders})["page"]).swaps().iloc[0]


def test_a_swap_is_beyond_chance_only_where_both_orders_are():
    seeds = 8
    rng = np.random.default_rng(2)
    near, far = 1 + 0.1 * rng.random(seeds), 2 + 0.1 * rng.random(seeds)
    pair = swaps({"a": near, "b": far}, {"a": far, "b": near})
    assert pair["swap"] == 1 and pair["swapped"] and pair["claimed"]
    expected = stats.ttest_rel(near, far).pvalue
    assert pair["p_holm"] == pytest.approx(2 * expected)  # two orders are tested
    shaky = {"a": far, "b": np.array([1.0] * 5 + [3.2] * 3)}
    pair = swaps({"a": near, "b": far}, shaky)
    assert pair["swapped"] and pair["p_holm"] > 0.3 and not pair["claimed"]
    pair = swaps({"a": near, "b": far}, {"a": near, "b": far + 0.1})
    assert np.isnan(pair["p_holm"]) and not pair["claimed"]


def test_orders_that_are_the_same_in_every_seed_are_no_evidence():
    steady, turned = {"a": [1.0] * 8, "b": [2.0] * 8}, {"a": [2.0] * 8, "b": [1.0] * 8}
    pair = swaps(steady, turned)
    assert pair["swapped"] and np.isnan(pair["p_holm"]) and not pair["claimed"]


def test_only_common_methods_and_seeds_are_ranked():
    one = {"a": [1.0, 1, 1], "b": [2.0, 2, 2], "only": [3.0, 3, 3]}
    found = rank([run(one), run({"a": [1.0, 1], "b": [2.0, 2]})])
    assert found.places["method"].to_list() == ["a", "b"]
    assert found.tau.seeds == 2


def test_one_seed_has_no_interval_and_one_method_no_ranking():
    found = rank([run({"a": [1.0], "b": [2.0]})] * 2)
    assert found.tau.mean == 1 and np.isnan(found.tau.low)
    assert found.places["run_low"].isna().all()
    assert rank([run({"a": [1.0]})] * 2) is None
    without = run({"a": [1.0], "b": [2.0]})
    without = without[without["method"] != "retrain"]
    assert rank([without] * 2) is None


def test_methods_that_all_tie_have_no_tau():
    found = rank([run({"a": [1.0, 1], "b": [1.0, 1]})] * 2)
    assert np.isnan(found.tau.mean) and np.isnan(found.tau.low)
