"""The page of the paper's experiments, from synthetic runs."""

from zlib import crc32

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import special, stats

from qhu.record.released import COLUMNS, SAME, SHUFFLED
from qhu.report.paper.page import Runs, write_paper
from qhu.report.paper.protocols import judge, statements
from qhu.report.paper.protocols import tests as asked
from qhu.report.paper.released import COUNTERPARTS, SCENARIOS, compare
from qhu.report.tables import Compared

HONEST = ("none", "retrain", "floor")
RESULT = ["dataset", "scenario", "method", "seed", "backend", "metric", "value", "n"]
SEEDS, MOST_KL = 6, -np.log(1e-8)
DISTANCE = "KL to the oracle (nats), test rows, against doing nothing:"


def results(scenarios, methods, value):
    """One row per scenario, method, score and seed, of ``value(method, metric, seed)``."""
    metrics = (*COLUMNS, *SHUFFLED.values(), *SAME.values(), "acc_test_kept")
    rows = [
        ("iris", scenario, method, seed, "statevector", metric, value(method, metric, seed), 10)
        for scenario in scenarios
        for method in (*HONEST, *(m for m in methods if m not in HONEST))
        for metric in metrics
        if not (metric == "MIA_AUC" and scenario in ("fullclass", "class"))
        for seed in range(SEEDS)
    ]
    return pd.DataFrame(rows, columns=RESULT)


def noise(method, metric, seed):
    return 0.5 + 0.01 * np.random.default_rng(crc32(f"{method} {metric} {seed}".encode())).normal()


@pytest.fixture(scope="module")
def theirs():
    """Nothing differs from anything but by noise; shuffled columns lie elsewhere."""
    return results(
        SCENARIOS, COUNTERPARTS, lambda m, k, s: noise(m, k, s) + 3 * k.endswith("shuffled")
    )


@pytest.fixture(scope="module")
def ours():
    """Eu_k comes closer to the oracle than doing nothing, by 0.2."""
    return results(
        SCENARIOS.values(),
        COUNTERPARTS.values(),
        lambda m, k, s: noise(m, k, s) - 0.2 * (m == "eu_k" and k == "kl_test"),
    )


@pytest.fixture(scope="module")
def published():
    """What one run under their protocol may give, but for one accuracy of LCA."""
    rows = []
    for scenario in SCENARIOS:
        for method in list(COUNTERPARTS)[2:]:
            row = dict.fromkeys(COLUMNS, 0.5) | {"KL_retain": 3.5, "JS_retain": 3.5}
            row |= {"scenario": scenario, "method": method}
            row["MIA_AUC"] = 0.5 if scenario == "subset2pct" else np.nan
            rows.append(row)
    table = pd.DataFrame(rows)
    chosen = (table["method"] == "LCA") & (table["scenario"] == "fullclass")
    table.loc[chosen, "acc_forget_unlearn"] = 0.9
    return table


@pytest.fixture(scope="module")
def read(theirs, scores_of):
    """How the scores of both runs are read."""
    return scores_of(theirs)


@pytest.fixture(scope="module")
def figures(published, theirs, ours, read):
    return compare("iris", published, theirs, ours, read)


def told(figures, theirs, ours, read):
    return dict(statements(*judge(figures, asked("iris", theirs, ours, read))))


def find(figures, scenario, method, column):
    (one,) = [f for f in figures if (f.scenario, f.method, f.column) == (scenario, method, column)]
    return one


def test_a_figure_stands_beside_its_own_distributions(figures, theirs, ours):
    one = find(figures, "subset2pct", "EU-k1", "KL_test")
    assert one.released == 0.5
    for found, table, scenario, method, metric in (
        (one.theirs, theirs, "subset2pct", "EU-k1", "KL_test"),
        (one.ours, ours, "subset", "eu_k", "kl_test"),
    ):
        chosen = table[
            (table["scenario"] == scenario)
            & (table["method"] == method)
            & (table["metric"] == metric)
        ]["value"]
        share = chosen.mean() / MOST_KL  # log-odds of it, by the delta method
        error = stats.sem(chosen) / MOST_KL / (share * (1 - share))
        ends = stats.t.interval(0.95, SEEDS - 1, special.logit(share), error)
        low, high = MOST_KL * special.expit(ends)
        assert found == pytest.approx((chosen.mean(), low, high, SEEDS))


def test_what_the_release_pairs_at_random_is_paired_at_random(figures):
    one = find(figures, "fullclass", "GA", "KL_retain")
    assert one.theirs.mean == pytest.approx(3.5, abs=0.1)
    assert one.ours.mean == pytest.approx(0.5, abs=0.1)
    assert not one.outside


def test_only_the_planted_figure_lies_outside(figures):
    outside = {(f.scenario, f.method, f.column) for f in figures if f.outside}
    assert ("fullclass", "LCA", "acc_forget_unlearn") in outside
    assert len(outside) == 1


def test_the_teacher_has_released_accuracies_and_the_oracle_none(figures):
    assert find(figures, "fullclass", "none", "acc_test_unlearn").released == 0.5
    assert find(figures, "fullclass", "none", "KL_test").released is None
    oracle = [f for f in figures if f.method == "retrain"]
    assert all(f.released is None and f.ours for f in oracle)
    compared = {f.column for f in figures} - {f.column for f in oracle}
    assert compared == {f"{k}_{rows}" for k in ("KL", "JS", "Agree") for rows in ("retain", "test")}


def test_our_attack_has_real_non_members_in_both_scenarios(figures):
    one = find(figures, "fullclass", "GA", "MIA_AUC")
    assert (one.released, one.theirs) == (None, None)
    assert one.ours.mean == pytest.approx(0.5, abs=0.1)


def test_methods_are_tested_in_pairs_by_seed(ours, read):
    found = asked("iris", ours, ours, read)
    key = ("subset2pct", "ours", Compared(read["kl_test"], "none"))
    (table,) = [t for one, t in found.items() if one[1:] == key]
    rows = ours[(ours["scenario"] == "subset") & (ours["metric"] == "kl_test")]
    values = rows.pivot(index="seed", columns="method", values="value")
    expected = stats.ttest_rel(values["lca"], values["none"])
    assert table.set_index("method").loc["lca", "p"] == pytest.approx(expected.pvalue)
    assert len(table) == len(COUNTERPARTS) - 2


def test_a_released_figure_is_tested_as_one_more_run(figures, theirs):
    one = find(figures, "fullclass", "GA", "acc_test_unlearn")
    rows = theirs[(theirs["scenario"] == "fullclass") & (theirs["method"] == "GA")]
    values = rows.loc[rows["metric"] == "acc_test_unlearn", "value"]
    t = (0.5 - values.mean()) / (values.std() * np.sqrt(1 + 1 / SEEDS))
    assert one.test["p"] == pytest.approx(2 * stats.t.sf(abs(t), SEEDS - 1))


def test_a_figure_that_is_the_same_in_every_seed_is_not_marked(published, theirs, ours, read):
    """The release may still differ from it; without spread nothing says how far is far."""
    constant = theirs.assign(value=0.25)
    found, _ = judge(compare("iris", published, constant, ours, read), {})
    known = [one for one in found if one.test is not None]
    assert all(one.same for one in known) and not any(one.stands_out for one in known)


def test_the_summary_counts_what_was_planted(figures, theirs, ours, read):
    found = told(figures, theirs, ours, read)
    # per method 3 accuracies, 6 distances and once the attack; the teacher's accuracies
    known = 2 * (11 * 9 + 3) + 11
    assert found["Reproduced:"].startswith(f"{known - 1} of {known} released figures (99 %) ")
    assert "0 of 0" not in found["Reproduced:"]
    first, second = found[DISTANCE].split(". ")
    assert first.startswith("under their protocol, of 22 methods 0 are closer to the oracle")
    assert second.startswith("Under ours, of 22 methods 2 are closer to the oracle")


def test_one_seed_supports_nothing(published, theirs, ours, read):
    one, two = (table[table["seed"] == 0] for table in (theirs, ours))
    found = told(compare("iris", published, one, two, read), one, two, read)
    assert found["Reproduced:"].startswith("not counted. 1 seed under their protocol")
    nothing = "of 22 methods nothing is claimed (1 seed)"
    assert found[DISTANCE] == f"under their protocol, {nothing}. Under ours, {nothing}."


@pytest.mark.parametrize("seeds", [2, 3, 4])
def test_no_share_is_told_of_few_seeds(published, theirs, ours, read, seeds):
    """At two seeds 95 % predictions are so wide that every figure would lie inside."""
    few = theirs[theirs["seed"] < seeds]
    found = told(compare("iris", published, few, ours, read), few, ours, read)
    assert found["Reproduced:"].startswith(f"not counted. {seeds} seeds under their protocol: ")
    assert "%" not in found["Reproduced:"] and " of " not in found["Reproduced:"]
    first, second = found[DISTANCE].split(". Under ours, ")
    assert first == f"under their protocol, of 22 methods nothing is claimed ({seeds} seeds)"
    assert second.startswith("of 22 methods 2 are closer")


def test_a_share_is_told_from_five_seeds_on(published, theirs, ours, read):
    few = theirs[theirs["seed"] < 5]
    found = told(compare("iris", published, few, ours, read), few, ours, read)
    assert "%) lie where one run under their protocol falls" in found["Reproduced:"]


@pytest.mark.parametrize(("seeds", "closer"), [(4, 0), (5, 2)])
def test_few_seeds_count_no_method(published, theirs, ours, read, seeds, closer):
    one, two = (table[table["seed"] < seeds] for table in (theirs, ours))
    found = told(compare("iris", published, one, two, read), one, two, read)
    claim = (
        f"{closer} are closer to the oracle" if closer else f"nothing is claimed ({seeds} seeds)"
    )
    assert f"Under ours, of 22 methods {claim}" in found[DISTANCE]


@pytest.fixture(scope="module")
def page(tmp_path_factory, published, theirs, ours, write_record):
    folder = tmp_path_factory.mktemp("paper")
    published.to_csv(folder / "iris.csv", index=False)
    for name, table in (("theirs", theirs), ("ours", ours)):
        (folder / name).mkdir()
        write_record(folder / name, table)
        split = {"theirs": "released", "ours": "seeded"}[name]
        settings = {"data": {"split": split}, "scenarios": {"s": {"fraction": 0.02}}}
        (folder / name / "experiment.yaml").write_text(yaml.safe_dump(settings))
        table.to_csv(folder / name / "results.csv", index=False)
    runs = {"iris": Runs(folder / "iris.csv", folder / "theirs", folder / "ours")}
    return write_paper(folder, runs)


def test_the_page_is_one_offline_file(page, outline):
    text = page.read_text()
    found = outline(text)
    assert "script" not in found.tags
    assert "http" not in text
    assert len(set(found.ids)) == len(found.ids)
    outside = [a for a in found.addresses if not a.startswith(("#", "data:,"))]
    assert outside == ["theirs/report.html", "ours/report.html"]


def test_the_page_shows_every_method_three_times_and_marks_the_planted_figure(page):
    text = page.read_text()
    for method in COUNTERPARTS:
        assert text.count(f'rowspan="3">{method}</th>') == 4  # two scenarios, two tables each
    assert text.count("num out") == 2
    assert "iris: fullclass" in text
    assert "mean and 95 % interval over 6 seeds under their protocol" in text


def test_the_table_holds_every_figure(page, figures):
    table = pd.read_csv(page.with_name("paper.csv"))
    assert len(table) == len(figures)
    assert table["outside"].sum() == 1
    assert {"released", "theirs_mean", "one_run_low", "ours_high"} <= set(table.columns)


def test_both_protocols_are_told_from_the_settings_of_their_runs(page):
    text = page.read_text()
    theirs, ours = text.split("<h3>Their protocol</h3>")[1].split("<h3>Our protocol</h3>")
    assert "on the same split" in theirs and "the same for every seed" in theirs
    assert "about reseeding" in ours and "drawn anew per seed" in ours
