"""Text is UTF-8 whatever the locale, and no terminal fails a run by what it cannot show."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from qhu.errors import UserError
from qhu.record.documents import parse_document

ROOT = Path(__file__).parents[1]
ROOMS = ("qhu", "scripts", "benchmarks", "docs")
PYTHON = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]
OPENED = {"read_text": 0, "write_text": 1}
"""Methods of a path that need an encoding, and their other arguments."""


def opens_without_encoding(call):
    """Whether a call opens text in the encoding of the locale."""
    if any(keyword.arg in ("encoding", None) for keyword in call.keywords):
        return False
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name in OPENED:  # a distribution's read_text and a folder's write_text take a name, too
        return len(call.args) == OPENED[name]
    if any(keyword.arg in ("text", "universal_newlines") for keyword in call.keywords):
        return True
    modes = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    text = name in ("open", "fdopen") and all("b" not in mode for mode in modes)
    module = getattr(getattr(call.func, "value", None), "id", "")
    return (text and module not in ("os", "gzip", "archive", "webbrowser")) or (
        name == "TemporaryFile" and any("b" not in mode for mode in modes)
    )


def test_every_file_is_opened_as_utf_8():
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in PYTHON
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and opens_without_encoding(node)
    ]
    assert not found


STUDY = """
name: cafe  # é
data: {source: "file:rows.csv"}
training: {epochs: 1}
unlearning: {steps: 1}
scenarios: {tea: {label: 紅茶}}
methods: [finetune]
metrics: [acc]
seeds: 0
"""
ROWS = "größe,β,kind\n" + "\n".join(f"{i}.5,{i % 3},{('café', '紅茶')[i % 2]}" for i in range(40))
LOCALES = {
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "cp1252": {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252:strict"},
}
CALLS = {
    "command": ["-c", "from qhu.cli import main; main()", "run", "study.yaml"],
    "Python": ["-c", "import qhu; qhu.run('study.yaml')"],
}


@pytest.mark.parametrize(("where", "call"), [("C", "command"), ("cp1252", "Python")])
def test_a_run_ends_well_in_every_locale(tmp_path, where, call):
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "rows.csv").write_text(ROWS, encoding="utf-8")
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, *CALLS[call]],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path, **LOCALES[where]},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    shown = "caf? 20, ?? 20" if where == "C" else "caf\xe9 20, ?? 20"
    assert shown in done.stdout.decode("latin-1")
    (page,) = tmp_path.glob("runs/*/*/*/report.html")
    assert "forget the whole class 紅茶 (20 rows" in page.read_text(encoding="utf-8")
    assert "größe" in page.with_name("methods.md").read_text(encoding="utf-8")


def test_output_that_is_closed_shows_nothing(tmp_path):
    code = "import sys; sys.stdout = None; sys.argv = ['qhu', 'list', 'datasets']\n"
    done = subprocess.run(
        [sys.executable, "-c", code + "from qhu.cli import main; main()"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_file_that_is_not_utf_8_is_one_line_with_its_place(qhu, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = "name: x\nscenarios: {café: {fraction: 0.1}}\n".encode("latin-1")
    Path("mine.yaml").write_bytes(content)
    code, _, errors = qhu("run", "mine.yaml")
    assert code == 2 and errors.count("\n") == 1
    assert "mine.yaml: line 2 holds the byte 0xe9 (byte 23 of the file), which is not" in errors


@pytest.mark.parametrize(
    "document",
    [
        "a: 1\na: 2",
        "a: {b: {c: 1, c: 2}}",
        "- [{a: 1, a: 1}]",
        "a: {1: x, '1': y}",
        "a: {true: x, True: y}",
        "a: &x {b: 1}\nc: {d: *x, d: 2}",
        "{a: {b: 1}, a: {c: 1}}",
    ],
)
def test_a_key_given_twice_is_refused_at_every_depth(document):
    with pytest.raises(UserError, match="stands twice; keep one"):
        parse_document(document, "x")


@pytest.mark.parametrize("document", ["a: &x {b: 1}\nc: {<<: *x, b: 2}", "c: {<<: {b: 1}}"])
def test_merge_keys_are_refused(document):
    """Parsers differ on which of two values wins."""
    with pytest.raises(UserError, match="'<<' can be read in two ways"):
        parse_document(document, "x")
