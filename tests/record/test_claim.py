"""A folder whose files are replaced together, killed at every moment."""

import os
import signal

import pytest

from qhu.errors import UserError
from qhu.record.folder import RunFolder, started

NAMES = ("results.csv", "models/seed0-teacher.safetensors", "report.html")


def write(folder, text, more=()):
    """A finished run whose files all hold a text."""
    record = started("tiny", "exact", text)
    with folder.claimed(), folder.replaced(record, {"name": text}) as draft:
        for name in (*NAMES, *more):
            draft.write_text(name, text)
        draft.update(files=draft.checksums())
        draft.finish("finished", 1.0)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("qhu.record.folder.environment", dict)


def killed_at(moment):
    """Kill this process at its n-th change of a folder from now on."""
    left = [moment]

    def counted(original):
        def call(*arguments, **options):
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return original(*arguments, **options)

        return call

    for name in ("replace", "rename", "unlink", "mkdir", "rmdir"):
        setattr(os, name, counted(getattr(os, name)))


def test_killed_at_any_moment_a_folder_holds_one_run(tmp_path):
    folder, seen = RunFolder(tmp_path / "here"), []
    for moment in range(200):
        write(folder, "old", ["models/gone.safetensors"])
        (folder.path / "notes.txt").write_text("mine")
        if not (child := os.fork()):
            killed_at(moment)
            write(folder, "new")
            os._exit(0)
        _, status = os.waitpid(child, 0)
        text = folder.record().fingerprint
        assert {folder.read(name).decode() for name in NAMES} == {text}
        assert f"name: {text}" in (folder.path / "experiment.yaml").read_text()
        assert (folder.path / "notes.txt").read_text() == "mine"
        with folder.claimed():
            assert not list(folder.path.glob(".*"))
        seen.append((status != 0, text))
        if not status:
            break
    assert seen == sorted(seen, key=[(True, "old"), (True, "new"), (False, "new")].index)
    assert {text for _, text in seen} == {"old", "new"}
    assert not (folder.path / "models/gone.safetensors").exists()


def test_a_folder_that_was_never_begun_is_free(tmp_path):
    """A process that is killed before it wrote its first file has claimed nothing."""
    folder = RunFolder(tmp_path / "here")
    folder.path.mkdir()
    (folder.path / ".run.json.0123abcd.part").touch()
    folder.check("any")
    write(folder, "new")
    assert not list(folder.path.glob(".*"))


def test_a_claim_is_for_one_process(tmp_path):
    folder = RunFolder(tmp_path / "here")
    with folder.claimed(), pytest.raises(UserError, match="another qhu works in"):
        write(folder, "new")
    write(folder, "new")


def test_a_flipped_bit_of_the_record_is_noticed_or_changes_nothing(tmp_path):
    folder = RunFolder(tmp_path / "here")
    write(folder, "old")
    file, record = folder.path / "run.json", folder.record()
    whole = file.read_bytes()
    for bit in range(0, 8 * len(whole), 13):
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        file.write_bytes(content)
        try:
            assert folder.record() == record, f"bit {bit}"
        except UserError as error:
            assert f"{file} is damaged" in str(error)
