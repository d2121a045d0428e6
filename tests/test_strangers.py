"""The command and what strangers give it: one line, exit 2, nothing executed or left behind."""

from pathlib import Path

import pytest

LONG = "x" * 300


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", LONG],
        ["run", f"{LONG}.yaml"],
        ["run", "iris", "--seeds", "0-99999999999"],
        ["run", "iris", "--backend", LONG * 40],
        ["run", "iris", "--backend", "fake_../../x"],
        ["run", "iris", "--backend", "ibm_../../x"],
        ["run", "iris", "--backend", "no"],
        ["run", "iris", "-s", "name=../x"],
        ["run", "iris", "-s", "methods={../x: {method: scrub}}"],
        ["run", "iris", "-s", "model.layers=" + "[" * 9_999],
        ["run", "iris", "-s", f"data.source=idx:{LONG}"],
        ["run", "iris", "-s", f"data.source=file:{LONG}.csv"],
        ["run", "iris", "-s", "data.source=idx:[/x]"],
        ["report", LONG],
        ["report", "[/x]"],
        ["compare", LONG, LONG],
        ["audit", LONG, "--dataset", "iris"],
        ["list", LONG],
        ["show", LONG],
    ],
    ids=lambda words: " ".join(words)[:60],
)
def test_odd_arguments_are_one_line(qhu, arguments):
    code, _, errors = qhu(*arguments)
    assert code == 2
    lines = [line for line in errors.splitlines() if not line.startswith("experiment iris: ")]
    assert len(lines) == 1 and lines[0].startswith("qhu: ") and len(lines[0]) < 2_100
    assert not Path("runs").exists()


def test_a_run_folder_may_have_any_name(tiny, qhu):
    for out in (LONG, "a/[/x]"):
        code, said, errors = qhu("run", tiny, "--out", out)
        assert code == (2 if out == LONG else 0), errors
    assert "[/x]" in said
    assert qhu("run", tiny, "--out", out)[0] == 0  # finished: a line names the folder


def test_what_a_terminal_would_obey_is_written_out(qhu):
    code, _, errors = qhu("run", "\x1b[31mred\u202e")
    assert code == 2
    assert "\x1b" not in errors and "\u202e" not in errors and r"\x1b[31m" in errors


def test_a_bomb_in_every_file_of_the_command_is_one_line(qhu, tiny):
    rows = "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10))
    bomb = f"a0: &a0 [{','.join('x' * 9)}]\n{rows}"
    Path("bomb.yaml").write_text(f"{bomb}name: x\nscenarios: *a9\n")
    Path("run").mkdir()
    Path("run/experiment.yaml").write_text(bomb)
    Path("backends.yaml").write_text(bomb)
    for arguments in (
        ["run", "bomb.yaml"],
        ["ablate", "bomb.yaml"],
        ["plan", "bomb.yaml"],
        ["run", tiny, "--backend", "mine"],
        ["list", "backends"],
        ["emulator", "--faults", "bomb.yaml"],
    ):
        code, _, errors = qhu(*arguments)
        assert code == 2 and errors.startswith("qhu: ") and len(errors) < 2_000, arguments


@pytest.mark.parametrize(
    "entries", ["../x: {kind: aer}", "$x: {kind: aer}", "A: {}\na: {}", "a: 1"]
)
def test_odd_entries_of_a_backends_file_are_one_line(qhu, entries):
    Path("backends.yaml").write_text(entries)
    code, _, errors = qhu("run", "iris", "--backend", "statevector")
    assert code == 2
    assert "backends.yaml" in errors
