"""Which scores a page shows."""

from qhu.report.choice import claimed, forget_first, headline


def names(scores):
    return [score.name for score in scores]


def of(results, scores, scenario):
    present = results.loc[results["scenario"] == scenario, "metric"].unique()
    return [scores[name] for name in present]


def test_what_is_claimed_is_in_the_headline(scores):
    shown, said = headline(scores.values()), claimed(scores.values())
    assert set(said) < set(shown) < set(scores.values())


def test_a_class_scenario_parts_the_test_rows(results, scores):
    subset, by_class = (of(results, scores, name) for name in ("subset", "class"))
    assert "acc_test" in names(claimed(subset))
    assert "acc_test" not in names(claimed(by_class))
    assert "acc_test_kept" in names(claimed(by_class))
    assert "kl_test" in names(claimed(by_class)), "no kept classes of its own are shown"


def test_scores_of_forget_rows_come_first_in_their_order(scores):
    shown = headline(scores.values())
    ordered = forget_first(shown)
    rows = [score.rows == "forget" for score in ordered]
    assert rows == sorted(rows, reverse=True) and set(ordered) == set(shown)
    assert [s for s in ordered if s.rows != "forget"] == [s for s in shown if s.rows != "forget"]
