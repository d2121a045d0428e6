"""The caller's mistakes: one line, what and how to mend it, exit 2, nothing half-written."""

import errno
import json
import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from qhu import registry
from qhu.cli.completion import KINDS
from qhu.record.store import Store
from qhu.registry.names import Names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--methods", "scrubb"], "unknown method 'scrubb': did you mean 'scrub'"),
        (["--seeds", "one"], "seeds must be integers"),
        (["--seeds", "1.5"], "seeds"),
        (["--backend", "statevectr"], "unknown backend 'statevectr': did you mean 'statevector'"),
        (["--backend", "statevector", "--stages", "trian"], "unknown stage 'trian': did you mean"),
        (["--stages", "train"], "give --backend too"),
        (["-s", "model.layers=0"], "layers: must be 1 or more"),
        (["-s", "data.source=iriss"], "unknown dataset 'iriss': did you mean 'iris'"),
        (["-s", "metrics=[accc]"], "unknown metric 'accc': did you mean 'acc'"),
        (["-s", "scenarios.class.label=7"], "class 7 is absent"),
        (["-s", "scenarios.subset.fraction=0"], "scenarios.subset.fraction"),
        (["-s", "scenarios.subset.fraction=0.001"], "the forget set is empty"),
        (["-s", "scenarios.subset.fraction=0.999"], "all of train"),
        (["-s", "scenarios.subset={ids: [151]}"], "row 151 is absent"),
        (["-s", "stages.evaluate=nowhere"], "unknown backend 'nowhere'"),
        (["--workers", "-1"], "workers"),
        (["--nonsense"], "nonsense"),
    ],
)
def test_wrong_arguments(tiny, qhu, arguments, message):
    before = sorted(Path().rglob("*"))
    code, out, errors = qhu("run", tiny, *arguments)
    assert code == 2
    assert message in errors
    assert re.fullmatch(r"qhu: [^\n]+\n", errors)
    assert out == ""
    assert sorted(Path().rglob("*")) == before


def test_a_folder_with_another_experiment_is_left_alone(tiny, qhu):
    qhu("run", tiny, "--out", "here", "--seeds", "0")
    before = Path("here/results.csv").read_bytes()
    code, _, errors = qhu("run", tiny, "--out", "here", "--seeds", "1")
    assert code == 2
    assert "holds another experiment" in errors
    assert Path("here/results.csv").read_bytes() == before


def test_a_folder_with_other_files_is_left_alone(tiny, qhu):
    Path("mine").mkdir()
    Path("mine/thesis.tex").write_text("x")
    code, _, errors = qhu("run", tiny, "--out", "mine")
    assert code == 2
    assert "choose another --out" in errors
    assert [path.name for path in Path("mine").iterdir()] == ["thesis.tex"]


def test_a_full_disk_is_one_line_and_leaves_no_half_file(tiny, qhu, monkeypatch):
    write, count = Path.write_bytes, [0]

    def full(self, content):
        count[0] += ".stages" in str(self)
        if count[0] > 3:
            write(self, content[:10])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    code, _, errors = qhu("run", tiny, "--out", "here")
    assert code == 2
    assert "no space left" in errors and errors.count("\n") == 1
    assert not list(Path().rglob("*.part"))
    monkeypatch.undo()


def test_a_folder_that_cannot_be_made_is_named(tiny, qhu):
    Path("file").write_text("")
    code, _, errors = qhu("run", tiny, "--out", "file/run")
    assert code == 2
    assert "file/run" in errors


def test_all_that_can_be_registered_can_be_listed():
    made = {names.plural for names in vars(registry).values() if isinstance(names, Names)}
    assert made == set(registry.REGISTRIES) == set(KINDS) - {"experiments", "settings", "trackers"}


@pytest.mark.parametrize("kind", registry.REGISTRIES)
def test_list_explains_every_name_in_a_line(qhu, kind):
    code, out, _ = qhu("list", kind)
    assert code == 0
    for name in registry.REGISTRIES[kind].names():
        assert re.search(rf"^{re.escape(name)} +\S", out, re.MULTILINE), name


def test_list_of_an_unknown_kind(qhu):
    code, _, errors = qhu("list", "method")
    assert code == 2
    assert "did you mean 'methods'" in errors


def test_a_missing_experiment_file(qhu):
    code, _, errors = qhu("run", "absent.yaml")
    assert code == 2
    assert "cannot read absent.yaml" in errors


def test_the_store_finds_what_it_keeps(tmp_path):
    import numpy as np

    store = Store(tmp_path / "stages")
    made = store.get("abcdef", lambda: ({"theta": np.arange(3.0)}, {"steps": 4}))
    again = store.get("abcdef", lambda: pytest.fail("computed again"))
    assert again.facts == made.facts == {"steps": 4}
    assert again.arrays["theta"].tolist() == [0, 1, 2]


def test_a_document_is_all_of_standard_output_and_numbers_that_are_none_are_null(tiny, qhu):
    """One seed has no interval: such limits are NaN in tables and null in JSON."""
    settings = ("--seeds", "0", "--methods", "finetune", "-s", "training.epochs=1")
    status, out, _ = qhu("run", tiny, *settings, "--json")
    document = json.loads(out, parse_constant=pytest.fail)
    scores = document["scenarios"][0]["methods"]["finetune"]["scores"]
    assert status == 0
    assert scores["acc_test"]["ci_low"] is None and scores["acc_test"]["mean"] >= 0
    assert Path(document["report"]).exists()
    _, quiet, _ = qhu("run", tiny, *settings, "--quiet")
    assert quiet.splitlines()[-1] == f"report: {document['report']}"
    assert "acc_test" not in quiet and document["scenarios"][0]["answer"][:9] in quiet
    noisy = qhu("run", tiny, *settings, "--backend", "depolarizing_2pc", "--json")
    folders = [document["folder"], json.loads(noisy[1])["folder"]]
    status, out, _ = qhu("compare", *folders, "--json", "--open")
    figures = json.loads(out, parse_constant=pytest.fail)["figures"]
    assert {row["scenario"] for row in figures} >= {"subset", "class"}


def test_a_page_is_opened_where_there_is_a_browser(qhu, monkeypatch, tmp_path):
    page = "report.html"
    monkeypatch.setattr("qhu.report.run.page.write_report", lambda folder, style: folder / page)
    folder, opened = tmp_path, []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    assert qhu("report", folder, "--open")[0] == 0
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    assert "no browser opens" in qhu("report", folder, "--open")[2]
    assert opened == [(folder / "report.html").resolve().as_uri()]


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_is_a_document_too_and_fits_80_columns(qhu, kind):
    entries = json.loads(qhu("list", kind, "--json")[1])
    _, out, _ = qhu("list", kind)
    assert max(map(cell_len, out.splitlines())) <= 80  # an accent of its own takes no room
    for entry in entries:
        assert entry["summary"] and set(entry["summary"].split()) <= set(out.split())
        assert entry["name"][:20] in out


def test_backends_are_told_by_their_figures(qhu, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = " ".join(qhu("list", "backends")[1].split())
    for words in (
        "depolarizing_2pc aer: depolarizing 2 % after each gate, exact expectation values",
        "fake_brisbane aer: fake_brisbane, 127 qubits",
        "shots_1024 aer: no noise, 1,024 shots",
        "reads 1 for 0 in 1 % and 0 for 1 in 2 %, T1 220 µs, T2 130 µs, gates of 60 and 660 ns",
    ):
        assert words in out
    Path("backends.yaml").write_text("mine: {kind: aer, depolarizing: [0.001, 0.02], shots: 7}")
    out = " ".join(qhu("list", "backends")[1].split())
    assert "mine aer: depolarizing 0.1 % after 1-qubit and 2 % after 2-qubit gates, 7 shots" in out


def test_a_run_is_tracked_packed_and_styled_by_the_command(qhu, tiny):
    settings = ("--seeds", "0", "--methods", "finetune", "--out", "run", "--quiet")
    status, _, error = qhu("run", tiny, *settings, "--track", "nowhere")
    assert status == 2 and "unknown tracker 'nowhere': known: mlflow, tensorboard" in error
    assert not Path("run").exists()
    assert qhu("run", tiny, *settings)[0] == 0
    status, _, _ = qhu("pack", "run", "--creator", "Doe, Jane", "--names")
    assert status == 0 and list(Path().glob("*.zip"))
    Path("style.yaml").write_text('labels: {finetune: "Fine-tuning"}')
    assert qhu("report", "run", "--style", "style.yaml")[0] == 0
    assert "Fine-tuning" in Path("run/tables/subset-scores.tex").read_text()


def test_an_empty_option_is_a_mistake_of_that_option(qhu, tiny):
    for option in ("--seeds", "--methods"):
        status, _, error = qhu("run", tiny, option, "")
        assert status == 2 and f"qhu: {option} " in error, error
