"""Pages of runs in which nothing differs from anything but by chance must seldom claim anything.

Each page is drawn anew: methods score as their references do, seed by seed, on as few rows as the
shipped experiments have, so that accuracies move in steps and differences often coincide. A page
counts if any of its sentences or marks claims a difference.
"""

import re

import numpy as np
import pandas as pd
import pytest
from markupsafe import Markup
from matplotlib.figure import Figure
from scipy import stats
from setups import make_setups

from qhu import registry
from qhu.record.folder import RunRecord
from qhu.report.ablation.page import write_ablation
from qhu.report.comparison.gaps import CELL, PARTS, decompose
from qhu.report.comparison.page import write_comparison
from qhu.report.comparison.side import Side
from qhu.report.frames import RunFiles, read_scores
from qhu.report.paper.page import Runs, write_paper
from qhu.report.paper.released import COLUMNS, COUNTERPARTS, SCENARIOS
from qhu.report.run.sections import sections
from qhu.report.statistics import summarise
from qhu.report.styles import METHODS
from qhu.report.svg import Drawing
from qhu.settings.sweep import Sweep

ROWS = ("none", "retrain", "floor", *METHODS)
DISTANCES = ("kl_retain", "kl_forget", "kl_test")
SHARES = {
    "subset": {"acc_forget": 10, "acc_test": 30, "acc_retain": 92, "agree_test": 30},
    "class": {
        "acc_forget": 34,
        "acc_test": 30,
        "acc_test_kept": 20,
        "acc_test_forgotten": 10,
        "acc_retain": 68,
        "agree_test": 30,
    },
}
CLAIMED = r"(above|below|closer|farther|did not forget|over-forgot)\b[^;.]*: |shows it"
MARK = 'class="num out"'
RESULTS = ["dataset", "scenario", "method", "seed", "backend", "metric", "value", "n"]


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """Leaves figures out: they take most of the time."""
    blank = Drawing("", Markup(), "", Figure())
    for module in ("ablation.page", "comparison.sections", "paper.page"):
        monkeypatch.setattr(f"qhu.report.{module}.draw", lambda *_: blank)
    for name in ("metric_panels", "forest_panels"):
        monkeypatch.setattr(f"qhu.report.run.sections.{name}", lambda *_: [])


def scores(rng, seeds, methods=ROWS, scenarios=("subset", "class")):
    """Results in which every method has the distribution of every other, given the seed."""
    frames = []
    for scenario in scenarios:
        hit = rng.beta(18, 2, seeds)  # how hard the rows of a seed are
        values = {
            metric: (rng.binomial(n, hit, (len(methods), seeds)) / n, n)
            for metric, n in SHARES[scenario].items()
        }
        for metric in DISTANCES:
            common = rng.lognormal(0, 0.5, seeds)
            values[metric] = (rng.lognormal(-2, 0.8, (len(methods), seeds)) * common, 10)
        members = rng.integers(0, 101, (len(methods), seeds)) / 100  # 10 × 10 pairs, none tied
        values["mia_forget"] = (members, 10)
        for metric, (table, n) in values.items():
            index = pd.MultiIndex.from_product([methods, range(seeds)], names=["method", "seed"])
            frame = pd.DataFrame({"value": table.ravel()}, index=index).reset_index()
            frames.append(frame.assign(scenario=scenario, metric=metric, n=n))
    table = pd.concat(frames, ignore_index=True).assign(dataset="iris", backend="statevector")
    return table[RESULTS]


def run_claims(rng, seeds, folder, write_record):
    results = scores(rng, seeds)
    write_record(folder, results)
    nothing = pd.DataFrame(columns=["scenario", "method", "steps", "seconds"])
    read = read_scores(folder, results)
    found = sections(results, summarise(results, read), read, nothing)
    text = " ".join(s.text for one in found for s in one.reading)
    text += " ".join(f"{part.text}: " for one in found for part in one.answer.parts)
    marks = any(c.stands_out for one in found for row in one.tests.rows for c in row.cells)
    return marks, bool(re.search(CLAIMED, text))


def ablation_claims(rng, seeds, folder, write_record, ordered=True, read="acc_forget", apart=False):
    labels = ("1", "2", "3", "4")
    methods = ("none", "retrain", "floor", "eu_k", "scrub", "neggrad_plus", "noisy_finetune", "lca")
    runs = {label: folder / label for label in labels}
    for run in runs.values():
        run.mkdir(exist_ok=True)
        (run / "experiment.yaml").write_text("{}")
        results = scores(rng, seeds, methods)
        write_record(run, results)
        results.to_csv(run / "results.csv", index=False)
    settings = {"question": "?", "vary": {"model.layers": [1, 2, 3, 4]}}
    sweep = Sweep.model_validate({**settings, "ordered": ordered, "read": read})
    rows = {label: label for label in labels} if apart else {}
    text = write_ablation(folder, "null", sweep, runs, make_setups(labels, rows=rows)).read_text()
    return MARK in text, bool(re.search(r"\b(rises|falls) \(", text))


def comparison_claims(rng, seeds, folder, write_record):
    """Noise that moves a score up as often as down, and by whole rows where it is an accuracy."""
    exact = scores(rng, seeds, ("none", "retrain", "floor", *METHODS[:6]))
    exact = exact[~exact["metric"].isin(["mia_forget", "kl_retain"])].reset_index(drop=True)
    discrete = ~exact["metric"].str.startswith("kl_").to_numpy()[:, None]
    shape, step = (len(exact), len(PARTS)), 1 / exact["n"].to_numpy()[:, None]
    moved = np.where(discrete, rng.integers(-1, 2, shape) * step, rng.normal(0, 0.05, shape))
    noisy = exact.assign(value=exact["value"] + moved.sum(axis=1))
    write_record(folder, exact)
    read, sides = read_scores(folder, exact), []
    for letter, results, parts in (("A", exact, 0 * moved), ("B", noisy, moved)):
        names = ["exact", "gate_noise", "readout_error", "shot_noise"]
        steps = exact["value"].to_numpy()[:, None] + np.insert(parts, 0, 0, axis=1).cumsum(axis=1)
        about = exact[CELL].assign(**dict(zip(names, steps.T[:4], strict=True)))
        sides.append(Side(letter, run_of(letter, results, read), None, decompose(results, about)))
    points = pd.DataFrame({"seed": np.repeat(range(seeds), 40)})
    points = points.assign(scenario="subset", method="lca", subset="test", row=range(len(points)))
    for qubit in range(4):
        points[f"z{qubit}"] = rng.uniform(-1, 1, len(points))
    far = points.assign(
        **{f"z{q}": points[f"z{q}"] + rng.normal(0, 0.1, len(points)) for q in range(4)}
    )
    sides = [Side(s.letter, s.run, p, s.parts) for s, p in zip(sides, (points, far), strict=True)]
    write_comparison(sides, folder)
    text = (folder / "compare.html").read_text()
    said = "".join(re.findall("<li><strong>.*?</li>", text))
    told = (
        r"higher than on|lower than on|not the gap in|beyond chance: (?!no two)|amped: q|ifted: q"
    )
    parts = r"(gate noise|readout error|shot noise): (?!not told)"
    return MARK in text, bool(re.search(f"{told}|{parts}", said))


def run_of(letter, results, read):
    about = {"status": "finished", "name": "null", "backend": letter, "fingerprint": "f"}
    record = RunRecord(**about, started="", environment={"code": ""}, effective={"evaluate": {}})
    nothing = pd.DataFrame()
    return RunFiles(record, {}, results, nothing, read, nothing, nothing, None, "")


def paper_claims(rng, seeds, folder, write_record):
    """Both protocols and the release draw every figure alike."""
    runs, published = {}, []
    for name, scenarios, methods in (
        ("theirs", SCENARIOS, COUNTERPARTS),
        ("ours", SCENARIOS.values(), COUNTERPARTS.values()),
    ):
        metrics = ("KL_retain_shuffled", "JS_retain_shuffled", *COLUMNS)
        drawn = []
        for scenario in scenarios:
            kind = SCENARIOS.get(scenario, scenario)
            methods = ("none", "retrain", "floor", *(m for m in methods if m not in ROWS[:3]))
            drawn.append(scores(rng, seeds, methods, [kind]).assign(scenario=scenario))
            for metric in metrics:
                values = rng.binomial(30, 0.93, len(methods) * seeds) / 30
                index = pd.MultiIndex.from_product([methods, range(seeds)])
                frame = index.to_frame(index=False, name=["method", "seed"])
                frame = frame.assign(value=values, scenario=scenario, metric=metric, n=30)
                drawn.append(frame.assign(dataset="iris", backend="statevector")[RESULTS])
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "experiment.yaml").write_text("{}")
        write_record(folder / name, pd.concat(drawn))
        pd.concat(drawn).to_csv(folder / name / "results.csv", index=False)
    for scenario in SCENARIOS:
        for method in list(COUNTERPARTS)[2:]:
            figures = dict(zip(COLUMNS, rng.binomial(30, 0.93, len(COLUMNS)) / 30, strict=True))
            published.append({**figures, "scenario": scenario, "method": method})
    pd.DataFrame(published).to_csv(folder / "iris.csv", index=False)
    runs = {"iris": Runs(folder / "iris.csv", folder / "theirs", folder / "ours")}
    text = write_paper(folder, runs).read_text()
    counts = r"(of \d+ methods|;) [1-9]\d* are "
    return MARK in text, bool(re.search(counts, text))


PAGES = {
    "run": run_claims,
    "ablation": ablation_claims,
    "ablation of a distance without order": lambda *given: ablation_claims(
        *given, ordered=False, read="kl_forget"
    ),
    "ablation of other data": lambda *given: ablation_claims(*given, apart=True),
    "comparison": comparison_claims,
    "paper": paper_claims,
}


def claiming(page, seeds, folder, pages, write_record):
    """How many of so many null pages claim anything."""
    rng = np.random.default_rng([seeds, pages])
    return sum(any(PAGES[page](rng, seeds, folder, write_record)) for _ in range(pages))


def test_null_pages_have_every_score_that_a_page_shows():
    reads = [registry.metric[name].reads.items() for name in registry.metric.names()]
    shown = {f"{stem}_{rows}" for of in reads for stem, read in of for rows in read.headline}
    assert shown <= set(scores(np.random.default_rng(0), 2)["metric"])


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_claims_whatever_differs_is_seen_to_claim(
    page, tmp_path, write_record, monkeypatch
):
    """By a mark and by a sentence: otherwise no rate below says anything."""
    monkeypatch.setattr("qhu.report.statistics.LEVEL", 1e6)
    assert PAGES[page](np.random.default_rng(0), 5, tmp_path, write_record) == (True, True)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_few_seeds_claims_nothing(page, tmp_path, write_record):
    assert claiming(page, 3, tmp_path, 3, write_record) == 0


@pytest.mark.parametrize("page", PAGES)
def test_a_null_page_seldom_claims_anything(page, tmp_path, write_record):
    assert claiming(page, 5, tmp_path, 3, write_record) == 0


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [5, 6, 8, 10])
@pytest.mark.parametrize("page", PAGES)
def test_a_null_page_claims_anything_in_5_percent_of_cases_at_most(
    page, seeds, tmp_path, write_record
):
    pages = 200
    claims = claiming(page, seeds, tmp_path, pages, write_record)
    test = stats.binomtest(claims, pages, 0.05, alternative="greater")
    interval = stats.binomtest(claims, pages).proportion_ci()
    print(f"{page}, {seeds} seeds: {claims} of {pages}, [{interval.low:.3f}, {interval.high:.3f}]")
    assert test.pvalue > 0.01, "more than 5 %"
