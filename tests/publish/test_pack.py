"""An archive of runs: whole, the same bytes every time, rendered elsewhere, without traces."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from rich.console import Console

import qhu as package
from qhu.errors import UserError
from qhu.publish.about import About
from qhu.publish.pack import pack
from qhu.publish.traces import telling_names, traces, without_paths
from qhu.record.folder import RunFolder
from qhu.registry import parse

BASE = {
    "name": "small",
    "model": {"layers": 1},
    "training": {"epochs": 1},
    "unlearning": {"steps": 2},
    "scenarios": {"class": {"label": 0}},
    "methods": ["finetune"],
    "metrics": ["acc"],
    "seeds": [0],
}
ROOT = Path(__file__).parents[2]
QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Folders ``plain`` and ``table``, whose data lay in a home; not to be changed."""
    folder = tmp_path_factory.mktemp("runs")
    home = folder / "home" / "ada" / "my data"
    home.mkdir(parents=True)
    lines = "".join(f"{i % 7},{i % 5},{'ab'[i % 2]}\n" for i in range(60))
    (home / "flowers.csv").write_text(f"length,width,kind\n{lines}")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with pytest.MonkeyPatch.context() as undrawn:  # figures take most of the time
            undrawn.setattr(
                "qhu.grid.collect.write_report", lambda to: (to / "report.html").write_text("")
            )
            package.run(BASE, "plain")
        package.run(BASE, "table", data=home / "flowers.csv", label="kind")
    return folder


def packed(folder, out, **options):
    return pack([folder], out, QUIET, About(), **options)


def unpacked(archive, place):
    with zipfile.ZipFile(archive) as file:
        file.extractall(place)
    return place


def command(*arguments, cwd, home):
    """The command as another user of another machine."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "USER": "eve"}
    return subprocess.run(
        [sys.executable, "-c", "from qhu.cli import main; main()", *map(str, arguments)],
        cwd=cwd,
        env={**environment, "PYTHONPATH": str(ROOT), "MPLCONFIGDIR": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )


def test_the_same_run_is_the_same_archive_and_checks_itself(runs, tmp_path):
    first = packed(runs / "plain", tmp_path / "first.zip")
    shutil.copytree(runs / "plain", moved := tmp_path / "moved")
    os.utime(moved / "run.json", (0, 0))
    assert packed(moved, tmp_path / "second.zip").read_bytes() == first.read_bytes()
    place = unpacked(first, tmp_path / "there")
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=place, capture_output=True)
    assert done.returncode == 0
    listed = {line.split("  ")[1] for line in (place / "SHA256SUMS").read_text().splitlines()}
    every = {file.relative_to(place).as_posix() for file in place.rglob("*") if file.is_file()}
    assert listed == every - {"SHA256SUMS"}
    assert {"README.txt", ".zenodo.json", "NOTICE.txt"} < every


def test_elsewhere_the_page_is_the_same(runs, tmp_path):
    place = unpacked(packed(runs / "table", tmp_path / "a.zip"), tmp_path / "there")
    (folder,) = (path for path in place.iterdir() if path.is_dir())
    page = (folder / "report.html").read_bytes()
    digests = {f: hashlib.sha256(f.read_bytes()).digest() for f in folder.rglob("*") if f.is_file()}
    (home := tmp_path / "eve").mkdir()
    command("report", folder, cwd=home, home=home)
    assert (folder / "report.html").read_bytes() == page
    assert digests == {f: hashlib.sha256(f.read_bytes()).digest() for f in digests}


def test_paths_are_cut_everywhere_and_the_run_stays_whole(runs, tmp_path):
    before = yaml.safe_load((runs / "table" / "experiment.yaml").read_text())
    assert before["data"]["options"]["path"].endswith("ada/my data/flowers.csv")
    assert "my data" in (runs / "table" / "report.html").read_text()
    place = unpacked(packed(runs / "table", tmp_path / "a.zip"), tmp_path / "there")
    for file in filter(Path.is_file, place.rglob("*")):
        content = file.read_bytes()
        assert b"my data" not in content, file
        assert str(runs).encode() not in content, file
    (folder,) = (path for path in place.iterdir() if path.is_dir())
    after = yaml.safe_load((folder / "experiment.yaml").read_text())
    assert after["data"]["options"]["path"] == "flowers.csv"
    run = package.Run(folder)
    assert run.results.equals(package.Run(runs / "table").results)
    assert len(run.predictions) == len(package.Run(runs / "table").predictions)
    assert run.record.fingerprint == package.Run(runs / "table").record.fingerprint


def test_unfinished_runs_are_asked_for(runs, tmp_path):
    shutil.copytree(runs / "plain", cut := tmp_path / "cut")
    RunFolder(cut).update(status="cancelled")
    with pytest.raises(UserError, match=r"is not finished \(cancelled\).*--unfinished"):
        packed(cut, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()
    place = unpacked(packed(cut, tmp_path / "a.zip", unfinished=True), tmp_path / "there")
    assert "CANCELLED" in (place / "README.txt").read_text()


@pytest.mark.parametrize("name", ["results.csv", "models/seed0-teacher.safetensors", "run.json"])
def test_a_damaged_file_is_refused(runs, tmp_path, name):
    shutil.copytree(runs / "plain", bad := tmp_path / "bad")
    content = (bad / name).read_bytes()
    (bad / name).write_bytes(content[:-2] + b"x\n")
    with pytest.raises(UserError, match="is damaged"):
        packed(bad, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


def test_what_qhu_did_not_write_stays_out(runs, tmp_path, capsys):
    shutil.copytree(runs / "plain", folder := tmp_path / "noted")
    (folder / "diary.txt").write_text("mine")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "a.html").write_text("mine")
    archive = pack([folder], tmp_path / "a.zip", Console(width=200), About())
    assert not [name for name in zipfile.ZipFile(archive).namelist() if "diary" in name]
    assert not [name for name in zipfile.ZipFile(archive).namelist() if "ipynb" in name]
    assert "not written by qhu: diary.txt" in capsys.readouterr().out


def test_no_folder_of_qhu_is_refused(tmp_path, runs):
    (tmp_path / "empty").mkdir()
    for folder, why in (("empty", "no run and no page"), ("absent", "there is no folder")):
        with pytest.raises(UserError, match=why):
            packed(tmp_path / folder, tmp_path / "a.zip")
    with pytest.raises(UserError, match="is given twice"):
        pack([runs / "plain", runs / "plain"], tmp_path / "a.zip", QUIET, About())
    (tmp_path / "a.zip").write_text("a thesis")
    with pytest.raises(UserError, match="is there with other content"):
        packed(runs / "plain", tmp_path / "a.zip")
    with pytest.raises(UserError, match=r"must be a file that ends in \.zip"):
        packed(runs / "plain", tmp_path)
    assert (tmp_path / "a.zip").read_text() == "a thesis"


SECRETS = {
    "token": "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJpYW0ifQ.c2lnbmF0dXJl",
    "key": "aB3dE6gH9-kL2nO5qR8tU1wX4zA7cD0fG3iJ6lM9oP2r",
    "account": "crn:v1:bluemix:public:quantum-computing:us-east:a/0f3:7c::",
    "private": "-----BEGIN RSA PRIVATE KEY-----",
    "address": "ada@example.org",
    "home": "/home/ada/x",
    "windows": r"C:\Users\ada\x",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_secrets_are_found(secret):
    assert list(traces(f"<p>{secret}</p>".encode(), names=False))


def test_the_program_s_own_texts_tell_nothing(runs, tmp_path):
    place = unpacked(packed(runs / "table", tmp_path / "a.zip"), tmp_path / "there")
    for file in filter(Path.is_file, place.glob("small-*/**/*")):
        assert list(traces(file.read_bytes(), names=True)) == [], file
    assert not list(traces(b"iris-EMULATED_fake_brisbane-d6f64edcce89d710", names=True))
    assert not list(traces(b"seed0-Class-entanglement_pruning.safetensor5", names=True))


def test_names_of_the_user_are_refused_or_allowed(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("qhu.publish.traces.telling_names", lambda: frozenset({"finetune"}))
    with pytest.raises(UserError, match="tells the name 'finetune': nothing is packed; --names"):
        packed(runs / "plain", tmp_path / "a.zip")
    assert packed(runs / "plain", tmp_path / "a.zip", names=True).exists()


def test_words_of_qhu_are_no_names(monkeypatch):
    telling_names.cache_clear()
    monkeypatch.setattr("getpass.getuser", lambda: "iris")
    monkeypatch.setattr("platform.node", lambda: "AdasLaptop7.example.org")
    assert "iris" not in telling_names()
    assert "adaslaptop7" in telling_names()
    telling_names.cache_clear()


def test_paths_in_settings():
    assert without_paths({"path": "/data/ada/x.csv"}) == {"path": "x.csv"}
    assert without_paths("~/x y/z.npz") == "z.npz"
    assert without_paths(r"C:\Users\ada\z.npz") == "z.npz"
    assert without_paths("../ada/z.npz") == "z.npz"
    assert without_paths(["read from /data/ada/x.csv twice"]) == ["read from x.csv twice"]
    for kept in ("data/x.csv", "1/2", "a / b", "https://example.org/a/b", "", "/", "A/" * 200):
        assert without_paths(kept) == kept


def test_zenodo_and_citation(runs, tmp_path):
    given = {"creators": ["Lovelace, Ada; 0000-0002-1825-0097", "Noether, Emmy"], "title": "T: 1"}
    about = parse(About, given, "qhu pack")
    place = unpacked(pack([runs / "plain"], tmp_path / "a.zip", QUIET, about), tmp_path / "there")
    document = json.loads((place / ".zenodo.json").read_text())
    assert document["creators"] == [
        {"name": "Lovelace, Ada", "orcid": "0000-0002-1825-0097"},
        {"name": "Noether, Emmy"},
    ]
    assert document["upload_type"] == "dataset"
    assert {"identifier": "arXiv:2512.19253", "relation": "references"} in document[
        "related_identifiers"
    ]
    citation = yaml.safe_load((place / "CITATION.cff").read_text())
    assert citation["title"] == "T: 1"
    assert citation["authors"][1] == {"family-names": "Noether", "given-names": "Emmy"}
    for creator in ("Ada Lovelace", "Lovelace, Ada; 0000"):
        with pytest.raises(UserError, match="write a creator as"):
            parse(About, {"creators": [creator]}, "qhu pack")


def test_an_ablation_keeps_its_runs_and_its_links(tmp_path, runs):
    folder = tmp_path / "deep"
    for label in ("1", "2"):
        shutil.copytree(runs / "plain", folder / label)
    (folder / "ablation.html").write_text('<a href="1/report.html">')
    (folder / "ablation.csv").write_text("at\n1\n")
    place = unpacked(packed(folder, tmp_path / "a.zip"), tmp_path / "there")
    assert (place / "small-deep" / "ablation.html").is_file()
    assert (place / "small-deep" / "1" / "report.html").is_file()
    assert package.Run(place / "small-deep" / "2").record.status == "finished"


def test_runs_of_a_notebook(runs, tmp_path, capsys):
    run = package.Run(runs / "plain")
    archive = package.pack(run, tmp_path / "a.zip", creators=["Lovelace, Ada"])
    assert (
        package.pack([runs / "plain"], tmp_path / "a.zip", creators=("Lovelace, Ada",)) == archive
    )
    assert "CITATION.cff" in zipfile.ZipFile(archive).namelist()
    with pytest.raises(UserError, match="a run must be a path"):
        package.pack([3])
