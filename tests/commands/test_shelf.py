"""`qhu runs` lists what there is and how it ended; `qhu clean` removes what is asked, no more."""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qhu.commands.clean import age, amount, removal, remove
from qhu.errors import UserError
from qhu.grid.run import STORE
from qhu.record import shelf as shelves
from qhu.record.claim import claimed
from qhu.record.folder import RECORD, RunFolder, started
from qhu.record.shelf import PAGES, RUNS, shelf
from qhu.report.index.page import PAGE, index_document, index_runs, indexed, write_index
from qhu.report.index.page import age as in_words
from qhu.settings.experiment import load_experiment
from qhu.settings.shipped import EXPERIMENTS

QUICK = ("--seeds", "0", "--methods", "finetune", "-s", "metrics=[acc]", "-s", "training.epochs=1")


def put(folder, name="iris", status="finished", days=0.0, stages=(), settings=None, size=1000):
    """A run folder as qhu leaves it, that many days ago, of about that size."""
    run = RunFolder(Path(folder))
    record = started(name, "statevector", "0" * 16)
    then = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
    run.start(record, settings or {"name": name})
    run.write(record.model_copy(update={"status": status, "started": then, "finished": then}))
    run.write_text("stages.txt", "".join(f"{key}\n" for key in stages))
    run.write_text("padding", "x" * size)
    for key in stages:
        file = STORE / key[:2] / f"{key}.safetensors"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * 10)
    return run.path


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_list_names_kind_backend_differences_status_age_and_size(tiny, qhu):
    qhu("run", tiny, *QUICK)
    assert "tiny" in (RUNS / PAGE).read_text(), "a run that ends writes the index"
    assert shelf()[0].stages() == {file.stem for file in STORE.rglob("*.safetensors")}
    qhu("run", tiny, *QUICK, "-s", "model.layers=3", "--backend", "depolarizing_2pc")
    status, out, _ = qhu("runs", "--json")
    newest, oldest = json.loads(out)
    assert status == 0
    assert (newest["backend"], oldest["backend"]) == ("depolarizing_2pc", "statevector")
    assert newest["differs"] == {"model.ansatz.layers": "3"}
    assert oldest["differs"] == {"model.ansatz.layers": "2"}
    assert {run["status"] for run in (newest, oldest)} == {"finished"}
    assert newest["bytes"] == sum(
        file.stat().st_size for file in Path(newest["folder"]).rglob("*") if file.is_file()
    )
    _, text, errors = qhu("runs")
    assert newest["folder"] in text and "model.ansatz.layers=3" in text
    assert f"index: {RUNS / PAGE}" in errors
    assert max(map(len, text.splitlines())) <= 80
    page = (RUNS / PAGE).read_text()
    assert "model.ansatz.layers=3" in page
    assert f'href="{Path(newest["folder"]).relative_to(RUNS)}/report.html"' in page


def test_runs_elsewhere_are_listed_where_they_are(qhu):
    put("mine")
    index_runs([Path("mine")])
    assert not (RUNS / PAGE).exists()
    assert [run["folder"] for run in json.loads(qhu("runs", ".", "--json")[1])] == ["mine"]


def test_a_shipped_experiment_differs_from_the_file_that_ships():
    asked = load_experiment(EXPERIMENTS / "iris.yaml", ["model.layers=3", "data.test=0.3"])
    settings = {**asked.model_dump(mode="json"), "seeds": [0, 1, 2, 5]}
    put("runs/iris/a", settings=settings)
    (run,) = index_document(indexed())
    expected = {"seeds": "0-2,5", "data.test": "0.3", "model.ansatz.layers": "3"}
    assert run["differs"] == expected


@pytest.mark.parametrize("status", ["cancelled", "failed"])
def test_how_it_ended(status):
    put("runs/a", status=status)
    assert [run.status for run in shelf()] == [status]


def test_what_a_killed_process_left_has_stopped_and_what_works_is_running():
    folder = put("runs/a", status="started")
    assert shelf()[0].status == "stopped"
    with claimed(folder, RECORD):
        assert shelf()[0].status == "running"
    assert shelf()[0].status == "stopped"


@pytest.mark.parametrize("text", ["", "{", '{"status": "finished"}', "\x00\xff", "[" * 100_000])
def test_a_damaged_folder_is_listed_and_ends_nothing(text, qhu):
    put("runs/whole")
    (put("runs/iris/broken") / RECORD).write_text(text, encoding="latin-1")
    status, out, _ = qhu("runs")
    assert status == 0
    assert "damaged" in out and "runs/whole" in out
    assert RunFolder(Path("runs/iris/broken")).path.exists()


def test_listing_changes_nothing_of_a_run():
    folder = put("runs/a")
    (folder / ".complete").mkdir()
    (folder / ".complete" / "later.txt").write_text("x")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    shelf()
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_every_kind_of_page_is_told_by_its_name():
    """The pages that the package writes, as their sources name them."""
    root = Path(shelves.__file__).parents[1]
    sources = "".join(p.read_text() for p in (root / "report").rglob("*.py"))
    assert {name for name in PAGES if f'"{name}"' in sources} == set(PAGES)
    for name, kind in PAGES.items():
        folder = Path("runs") / kind
        folder.mkdir(parents=True)
        (folder / name).touch()
    assert {run.path.name: run.kind for run in shelf()} == {kind: kind for kind in PAGES.values()}


def test_names_in_the_index_are_no_markup():
    put("runs/a", settings={"name": "iris", "data": {"source": "<script>"}})
    write_index(indexed())
    assert "<script>" not in (RUNS / PAGE).read_text()


def test_the_store_is_where_runs_keep_it():
    assert RUNS / shelves.STORE == STORE


def test_clean_by_age_size_and_name():
    put("runs/old", days=40)
    put("runs/new", days=1)
    assert [run.path.name for run in removal([], older="30d").runs] == ["old"]
    assert [run.path.name for run in removal([], older="12h").runs] == ["new", "old"]
    sizes = {run.path.name: run.size for run in shelf()}
    assert [run.path.name for run in removal([], keep=f"{sizes['new']}").runs] == ["old"]
    assert removal([], keep="1GB").runs == ()
    assert [run.path.name for run in removal([Path("runs/new")]).runs] == ["new"]


def test_stages_go_with_the_last_run_that_needs_them_and_the_ledger_stays():
    put("runs/iris/a", days=40, stages=["aa" * 8, "bb" * 8])
    put("runs/iris/b", days=1, stages=["bb" * 8])
    put("runs/other")  # of an older qhu: it does not say
    Path("ledger").mkdir()
    Path("ledger/ibm.db").touch()
    asked = removal([], older="30d")
    assert [file.name for file in asked.stages] == [f"{'aa' * 8}.safetensors"]
    remove(asked, print)
    assert not Path("runs/iris/a").exists() and Path("runs/iris/b").exists()
    assert [file.name for file in STORE.rglob("*.safetensors")] == [f"{'bb' * 8}.safetensors"]
    assert Path("ledger/ibm.db").exists()
    remove(removal([Path("runs/iris/b")]), print)
    assert not Path("runs/iris").exists(), "nor is an empty folder left"
    assert not list(STORE.rglob("*.safetensors"))


def test_a_run_in_progress_is_never_removed(qhu):
    folder = put("runs/a", days=40, stages=["aa" * 8])
    put("runs/b", days=40, stages=["bb" * 8])
    with claimed(folder, RECORD):
        assert [run.path.name for run in removal([], older="30d").runs] == ["b"]
        assert removal([], older="30d").stages == (), "it may be about to need one"
        assert [run.path.name for run in removal([], keep="0").runs] == ["b"]
        status, _, errors = qhu("clean", folder, "--yes")
        assert (status, "a process works in" in errors) == (2, True)
    asked, spoken = removal([], older="30d"), []
    with claimed(folder, RECORD):  # begun between the question and the answer
        remove(asked, spoken.append)
    assert folder.exists() and "another qhu works" in spoken[0]


def test_a_page_about_runs_goes_with_them_or_not_at_all():
    put("runs/depth/x/1", days=40)
    put("runs/depth/x/2", days=1)
    Path("runs/depth/x/ablation.html").touch()
    past = time.time() - 40 * 86400
    os.utime("runs/depth/x/ablation.html", (past, past))
    assert [str(run.path) for run in removal([], older="30d").runs] == ["runs/depth/x/1"]
    assert len(removal([Path("runs/depth/x")]).runs) == 3
    remove(removal([Path("runs/depth/x")]), print)
    assert not Path("runs/depth").exists()


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("thesis", "no folder inside runs"),
        (".", "no folder inside runs"),
        ("runs", "no folder inside runs"),
        ("runs/../thesis", "no folder inside runs"),
        ("runs/link", "no folder inside runs"),
        ("runs/iris", "is no run folder"),
        ("runs/nothing", "is no run folder"),
        ("runs/.stages", "is no run folder"),
    ],
)
def test_nothing_but_runs_is_removed(qhu, place, message):
    put("runs/iris/a")
    Path("thesis").mkdir()
    Path("thesis/thesis.tex").touch()
    Path("runs/link").symlink_to(Path("thesis").resolve())
    STORE.mkdir()
    before = sorted(Path().rglob("*"))
    status, _, errors = qhu("clean", place, "--yes")
    assert status == 2 and message in errors
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--older", "30"],
        ["--older", "-1d"],
        ["--keep", "much"],
        ["--older", "1d", "--keep", "1"],
    ],
)
def test_it_is_plain_what_goes(qhu, words):
    put("runs/a", days=40)
    status, _, errors = qhu("clean", *words, "--yes")
    assert status == 2 and errors.count("\n") == 1
    assert Path("runs/a").exists()


def test_without_a_terminal_it_shows_what_would_go(qhu, monkeypatch):
    put("runs/a", days=40)
    status, out, _ = qhu("clean", "--older", "30d")
    assert status == 0
    assert "runs/a" in out and "nothing is removed without --yes" in out
    assert Path("runs/a").exists()
    assert qhu("clean", "--older", "30d", "--yes")[0] == 0
    assert not Path("runs/a").exists()


def test_ages_and_sizes_in_words():
    assert age("2w") == timedelta(days=14) and age("90m") == timedelta(minutes=90)
    assert amount("5GB") == 5 * 10**9 and amount("1.5 MB") == 1_500_000 and amount("7") == 7
    with pytest.raises(UserError, match="such as 30d"):
        age("30 days")
    assert in_words(datetime.now(UTC) - timedelta(hours=5)) == "5 h"
