import json
import math
import re

import numpy as np
import pandas as pd
import pytest
from evidence_studies import make_study

from qhu.errors import UserError
from qhu.report.answer import MethodVerdict, VerdictTable, answer
from qhu.report.evidence.figures import apart
from qhu.report.evidence.files import load_evidence
from qhu.report.evidence.groups import GROUPS, drift, partition
from qhu.report.evidence.page import write_evidence
from qhu.report.evidence.ranking import ACCEPTABLE, rank_metrics
from qhu.report.evidence.tables import METRICS
from qhu.report.evidence.verdicts import UTILITY, verdict_table
from qhu.report.statistics import Estimate
from qhu.report.verdicts import CONCLUSIONS

UNKNOWN = Estimate(math.nan, math.nan, math.nan, 0)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study of two scenarios with its page, to be read only."""
    folder = make_study(tmp_path_factory.mktemp("evidence") / "iris")
    write_evidence(folder)
    return folder


@pytest.fixture(scope="module")
def page(study):
    return (study / "evidence.html").read_text()


@pytest.fixture
def small(tmp_path):
    """A study to be changed."""
    return make_study(tmp_path / "small", scenarios=1, methods=["eu_k", "scrub"])


def change(folder, name, edit):
    table = pd.read_csv(folder / name)
    edit(table).to_csv(folder / name, index=False)


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page.split("</style>")[1]))


def test_one_offline_page(page, outline):
    found = outline(page)
    assert "script" not in found.tags
    assert all(address.startswith("#") or address == "data:," for address in found.addresses)
    assert len(set(found.ids)) == len(found.ids)
    wanted = {address[1:] for address in found.addresses if address.startswith("#")}
    assert wanted <= set(found.ids)


def test_the_answer_comes_first_and_counts_the_verdicts(study, page):
    verdicts = pd.read_csv(study / "verdicts.csv")
    head = text_of(page.split("<nav")[0])
    for scenario, rows in verdicts.groupby("scenario"):
        tried = rows[~rows["method"].isin(["none", "retrain"])]
        answer = head.split(f"{scenario}: of {len(tried)} methods:")[1]
        forgot = tried.loc[tried["verdict"] == "indistinguishable", "method"]
        assert answer.strip().startswith(f"{len(forgot)} forgot, indistinguishable")
        assert all(name in answer for name in forgot)
        for verdict, look in CONCLUSIONS.items():
            words = {"cannot tell": "cannot be told"}.get(verdict, look.words)
            count = (tried["verdict"] == verdict).sum()
            assert not count or f"{count} {words}" in answer


def test_the_table_of_power_stands_where_the_study_has_one(page, small):
    assert "0.041" in page.split('id="power"')[1].split("</section>")[0]
    run = json.loads((small / "run.json").read_text())
    del run["power"]
    (small / "run.json").write_text(json.dumps(run))
    assert 'id="power"' not in write_evidence(small).read_text()


def test_every_verdict_is_counted():
    rows = [
        MethodVerdict(f"m{number}", verdict, (), UNKNOWN, "", math.nan, math.nan, math.nan)
        for number, verdict in enumerate(CONCLUSIONS)
    ]
    parts = answer(VerdictTable((), False, rows), "as said", "retrain").parts
    assert [part.verdict for part in parts] == list(CONCLUSIONS)
    assert all(part.text.startswith("1 ") for part in parts)


def test_both_games_are_drawn_and_tabled(small):
    page = write_evidence(small).read_text()
    assert page.count('aria-label="Forest plot: AUC') == 2
    evidence = pd.read_csv(small / "evidence.csv").set_index(["method", "metric"])
    value = evidence.loc[("scrub", "auc_membership"), "value"]
    table = page.split('aria-label="Verdicts, random"')[1].split("</table>")[0]
    assert f">{value:.3f}<" in table


@pytest.mark.parametrize(
    ("low", "high", "kept"),
    [(-0.01, 0.02, "kept"), (-0.3, -0.1, "lost"), (-0.1, 0.1, "cannot tell")],
)
def test_utility_is_kept_or_lost_by_its_interval(small, low, high, kept):
    def edit(table):
        chosen = table["metric"] == UTILITY
        return table.assign(
            ci_low=table["ci_low"].mask(chosen, low), ci_high=table["ci_high"].mask(chosen, high)
        )

    change(small, "evidence.csv", edit)
    table = verdict_table(load_evidence(small), "random")
    assert {row.kept for row in table.rows} == {kept}


def test_a_scenario_in_which_nothing_can_be_told_says_how_small_a_difference(small):
    change(small, "verdicts.csv", lambda t: t.assign(verdict="cannot tell", smallest_effect=0.08))
    text = text_of(write_evidence(small).read_text())
    assert "Of 2 methods: none is shown to have forgotten" in text
    assert "2 cannot be told (smallest difference this could see: 0.080): " in text
    assert "Doing nothing is not caught here" in text


def test_a_control_that_fails_is_a_warning(small):
    change(
        small,
        "verdicts.csv",
        lambda t: t.assign(verdict=t["verdict"].mask(t["method"] == "retrain", "over-forgot")),
    )
    assert "read no verdict of this scenario" in write_evidence(small).read_text()


def test_every_figure_of_the_evidence_stands_on_the_page(study):
    files = load_evidence(study)
    for _, rows in files.evidence.groupby("scenario"):
        shown = [drift(rows, files.primary)]
        parts = partition(rows, files.primary)
        indices = {at for _, chosen in parts for at in chosen.index}
        assert indices | set(rows.index[shown[0]]) == set(rows.index)


def test_figures_that_no_group_asks_for_have_a_table_of_their_own(small):
    with (small / "evidence.csv").open("a") as file:
        file.write("random,eu_k,lira,hard,auc,0.613,0.6,0.63,\n")
        file.write("random,eu_k,odd,forget,new_score,7.25,7,8,3\n")
        file.write("random,eu_k,odd,,another,9.125,9,10,3\n")
    text = text_of(write_evidence(small).read_text())
    assert "Every other figure" in text
    assert "7.250" in text
    assert "9.125" in text
    assert "0.613" in text


def test_titles_of_groups_are_distinct():
    assert len({group.title for group in GROUPS}) == len(GROUPS)


def test_what_was_not_measured_is_no_number(small):
    change(
        small,
        "evidence.csv",
        lambda t: t.assign(**{c: t[c].mask(t["method"] == "scrub") for c in ("value", "ci_low")}),
    )
    change(
        small,
        "verdicts.csv",
        lambda t: t.assign(
            **{
                c: t[c].mask(t["method"] == "scrub")
                for c in ("leakage", "utility", "cost_steps", "smallest_effect")
            }
        ),
    )
    text = text_of(write_evidence(small).read_text())
    assert "not measured" in text
    assert not re.search(r"\bnan\b", text, re.IGNORECASE)


def test_intervals_that_are_missing_are_left_out(small):
    change(small, "evidence.csv", lambda t: t.assign(ci_low=np.nan, ci_high=np.nan, n=np.nan))
    text = text_of(write_evidence(small).read_text())
    assert not re.search(r"\bnan\b", text, re.IGNORECASE)


@pytest.mark.parametrize("methods", [[], ["eu_k"], ["m_" + "long_name_" * 9, "<b>&amp;"]])
def test_other_methods(tmp_path, outline, methods):
    page = write_evidence(make_study(tmp_path / "odd", 1, methods)).read_text()
    outline(page)
    assert "<b>" not in page
    assert all(name.replace("<b>&", "&lt;b&gt;&amp;") in page for name in methods)


def test_deletions_one_after_another_are_drawn(page):
    assert page.count("Deletions that follow each other") == 1
    assert 'aria-label="AUC after each deletion, by method"' in page


def test_the_strongest_attack_is_marked_for_each_method(small):
    page = write_evidence(small).read_text()
    table = page.split("Attacks on the forget rows</h3>")[1].split("</table>")[0]
    assert table.count('class="num out"') == 4
    evidence = pd.read_csv(small / "evidence.csv")
    chosen = evidence[(evidence["tier"] == "forget") & (evidence["metric"] == "auc")]
    farthest = chosen.loc[(chosen["value"] - 0.5).abs().groupby(chosen["method"]).idxmax()]
    for value in farthest["value"]:
        assert f'class="num out">{value:.3f}<' in table


def test_utility_has_the_interval_of_the_evidence(small):
    evidence = pd.read_csv(small / "evidence.csv").set_index(["method", "metric"])
    low = evidence.loc[("eu_k", UTILITY), "ci_low"]
    text = text_of(write_evidence(small).read_text()).replace("−", "-")
    assert f"[{low:+.3f}, " in text


def test_weak_metrics_are_named_wherever_they_stand(page, study):
    ranking = rank_metrics(load_evidence(study).metrics)
    assert set(ranking.weak) >= {"confidence", "loss", "entropy", "acc_forget"}
    assert "ulira" not in ranking.weak
    assert "confidence (weak)" in page
    assert "ulira (weak)" not in page


def test_a_metric_is_weak_where_its_interval_reaches_low():
    rows = [("a", "exact", 0.9, ACCEPTABLE, 1), ("a", "noise", 0.9, ACCEPTABLE - 0.01, 1)]
    rows += [("b", "exact", 0.95, 0.9, 1.0), ("b", "noise", np.nan, np.nan, np.nan)]
    columns = ["metric", "condition", "auc", "ci_low", "ci_high"]
    ranking = rank_metrics(pd.DataFrame(rows, columns=columns))
    standings = {row.metric: row.standing for row in ranking.metrics}
    assert standings == {"b": "reliable in all", "a": "weak: noise"}
    assert [row.metric for row in ranking.metrics] == ["b", "a"]


def test_a_study_without_an_examination_of_metrics_says_so(small):
    (small / "metrics.csv").unlink()
    assert "what each can tell is not known" in write_evidence(small).read_text()


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("run.json", "{", "damaged"),
        ("run.json", "[]", "'pool'"),
        ("run.json", json.dumps({"pool": 1, "seconds": 2, "primary": "a"}), "'margin'"),
        ("run.json", '{"pool": 1, "seconds": NaN, "primary": "a", "margin": 1}', "'seconds'"),
        ("verdicts.csv", "scenario,method\na,b\n", "lacks the column 'verdict'"),
        ("evidence.csv", "", "damaged"),
    ],
)
def test_what_is_damaged_is_named(small, name, content, match):
    (small / name).write_text(content)
    with pytest.raises(UserError, match=re.escape(match)):
        write_evidence(small)
    assert not (small / "evidence.html").exists()


def test_a_verdict_that_there_is_not_is_refused(small):
    change(small, "verdicts.csv", lambda t: t.assign(verdict="remembers"))
    with pytest.raises(UserError, match="the verdict 'remembers'"):
        write_evidence(small)


def test_the_contracts_metrics_have_words():
    named = {"auc", "tpr_at_1", "tpr_at_01", "klom_median", "klom_floor", "forgetting_quality"}
    assert named | {"tow", "ain", "acc_test", "delta_acc_test"} <= set(METRICS)


@pytest.mark.parametrize("places", [[0.5], [0.5, 0.5, 0.5], [0.1, 0.11, 0.5, 0.505, 0.51], [0, 9]])
def test_names_of_lines_are_moved_apart_no_farther_than_needed(places):
    moved = apart(np.array(places, float), 0.02)
    assert (np.diff(moved) >= 0.02 - 1e-12).all()
    assert np.isclose(moved.mean(), np.mean(places))
    wide = np.diff(places, prepend=-9, append=19) > 0.1
    alone = wide[:-1] & wide[1:]
    assert np.allclose(moved[alone], np.array(places)[alone])


def test_conclusions_keep_their_words():
    assert {verdict: look.words for verdict, look in CONCLUSIONS.items()} == {
        "indistinguishable": "forgot",
        "forgot": "forgot the rows",
        "over-forgot": "over-forgot",
        "did not forget": "did not forget",
        "cannot tell": "cannot tell",
    }
