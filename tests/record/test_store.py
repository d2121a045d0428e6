"""The store, and what it does with a file that is not what was written."""

import os
import random
import stat
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from qhu.errors import UserError
from qhu.record.files import replacing
from qhu.record.store import MemoryStore, Store

ARRAYS = {"a": np.arange(6.0).reshape(2, 3), "b": np.array([1, 2])}


@pytest.fixture
def store(tmp_path):
    """A store with two stages of the same folder."""
    made = Store(tmp_path / "stages")
    made.put("ab12", ARRAYS, {"steps": 1})
    made.put("ab13", {name: -array for name, array in ARRAYS.items()}, {"steps": 2})
    return made


def test_arrays_come_back_as_they_were(tmp_path):
    """Batch norm counts its batches in an array without dimensions."""
    arrays = {"count": np.array(7), "turned": np.arange(6.0).reshape(2, 3).T, "none": np.empty(0)}
    store = Store(tmp_path)
    store.put("ab12", arrays, {"steps": 1})
    kept = store.load("ab12")
    assert kept.facts == {"steps": 1}
    plain = load_file(store.path("ab12"))
    for name, array in arrays.items():
        assert kept.arrays[name].shape == array.shape
        np.testing.assert_array_equal(kept.arrays[name], array)
        np.testing.assert_array_equal(plain[name], array, "any program that reads safetensors")


def healed(store, capsys):
    """Whether the stage is noticed as damaged in one line, and computed again to what it was."""
    computed = []

    def compute():
        computed.append(1)
        return ARRAYS, {"steps": 1}

    stage = store.get("ab12", compute)
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and f"{store.path('ab12')} is damaged" in line
    assert stage.facts == {"steps": 1} and (stage.arrays["a"] == ARRAYS["a"]).all()
    assert store.find("ab12") and store.find("ab13")
    assert capsys.readouterr().err == ""
    return computed == [1]


def test_every_flipped_bit_is_noticed_and_healed(store, capsys):
    path = store.path("ab12")
    whole = path.read_bytes()
    for bit in range(8 * len(whole)):
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        assert "ab12" not in store, f"bit {bit} of {8 * len(whole)}"
        store.path("ab12").write_bytes(whole)
    assert "ab12" in store
    capsys.readouterr()
    content = bytearray(whole)
    content[random.Random(3).randrange(len(whole))] ^= 1
    path.write_bytes(content)
    assert healed(store, capsys)
    assert path.read_bytes() == whole


def swap(path):
    path.write_bytes(path.with_name("ab13.safetensors").read_bytes())


def foreign(path):
    from safetensors.numpy import save_file

    save_file(ARRAYS, path, {"facts": "{}"})


def replaced_by(make):
    def damage(path):
        path.unlink()
        make(path)

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        swap,
        foreign,
        lambda path: os.truncate(path, 0),
        lambda path: os.truncate(path, path.stat().st_size - 1),
        lambda path: os.truncate(path, 11),
        lambda path: path.write_bytes(path.read_bytes() + b"\0"),
        lambda path: path.write_bytes(b"garbage"),
        lambda path: path.write_bytes(bytes(path.stat().st_size)),
        replaced_by(lambda path: path.mkdir()),
        replaced_by(lambda path: (path.mkdir(), (path / "mine").write_text("x"))),
        replaced_by(lambda path: path.symlink_to("ab13.safetensors")),
        replaced_by(lambda path: path.symlink_to(path)),
        replaced_by(os.mkfifo),
    ],
)
def test_what_is_not_the_stage_is_put_aside(store, capsys, damage):
    damage(store.path("ab12"))
    assert healed(store, capsys)
    assert len(list(store.root.rglob("*.damaged"))) == 1


def test_a_store_in_memory_heals_what_lies_below(store, capsys):
    store.path("ab12").write_bytes(b"")
    above = MemoryStore(below=store)
    assert above.get("ab12", lambda: (ARRAYS, {})).facts == {}
    assert "is damaged" in capsys.readouterr().err
    assert "ab12" not in store


def test_a_stage_that_went_between_is_one_line(store):
    store.path("ab12").unlink()
    with pytest.raises(UserError, match="run again"):
        store.load("ab12")


def test_only_the_owner_reads_the_store(tmp_path):
    before = os.umask(0)
    try:
        store = Store(tmp_path / "runs" / "stages")
        store.put("ab12", ARRAYS, {})
    finally:
        os.umask(before)
    for path in (store.root, *store.root.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def name_of(descriptor):
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """What a power cut leaves: the old file or the whole new one."""
    path, events = tmp_path / "file", []
    monkeypatch.setattr(os, "fsync", lambda opened: events.append(name_of(opened)))
    with replacing(path) as partial:
        partial.write_text("x")
        assert not events
    assert events == [str(partial), str(tmp_path)]


def test_files_of_killed_writers_do_not_pile_up(tmp_path):
    read, write = os.pipe()
    if not (child := os.fork()):
        with replacing(tmp_path / "file") as partial:
            partial.write_text("half")
            os.write(write, b"x")
            os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    assert os.read(read, 1) and len(list(tmp_path.glob(".*.part"))) == 1
    with replacing(tmp_path / "mine") as living:
        with replacing(tmp_path / "another") as partial:
            partial.write_text("x")
        assert [path.name for path in tmp_path.glob(".*.part")] == [living.name]
    assert not list(tmp_path.glob(".*.part"))


def slow():
    time.sleep(0.02)
    return ARRAYS, {"steps": 1}


@pytest.mark.parametrize("memory", [False, True])
def test_the_time_a_stage_took_is_kept_beside_it_and_never_in_it(tmp_path, memory):
    disk = Store(tmp_path / "store")
    store = MemoryStore(below=disk) if memory else disk
    assert store.seconds("ab12") is None
    store.get("ab12", slow)
    first = store.seconds("ab12")
    assert first >= 0.02
    if not memory:
        content = store.path("ab12").read_bytes()
        store.path("ab12").unlink()
        store.get("ab12", lambda: (ARRAYS, {"steps": 1}))
        assert store.path("ab12").read_bytes() == content
        assert store.seconds("ab12") < first
    store.put("ab13", ARRAYS, {})
    assert store.seconds("ab13") is None


@pytest.mark.parametrize("text", ["", "soon", "1" * 100])
def test_a_time_that_is_none_is_not_known(tmp_path, text):
    store = Store(tmp_path / "store")
    store.put("ab12", ARRAYS, {}, seconds=1.5)
    assert store.seconds("ab12") == 1.5
    store.path("ab12").with_suffix(".seconds").write_text(text)
    assert store.seconds("ab12") is None
    assert MemoryStore(below=store).seconds("ab12") is None
