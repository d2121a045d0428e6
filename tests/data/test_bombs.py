"""Data files that lie or swell: one line, and no more memory than an honest file takes."""

import gzip
import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from qhu.data.file import FileOptions, file
from qhu.data.idx import read_idx
from qhu.errors import UserError

LABELS = np.array([0, 1, 0, 1])


def npy(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def header(shape, dtype="<f8"):
    text = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) + 1) + text.encode() + b"\n"


def archive(path, packed=False, **members):
    kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as target:
        for name, content in members.items():
            target.writestr(f"{name}.npy", content)
    return path


Y = npy(LABELS)
LIES = {
    "shape of 10^12": {"X": header((10**12, 2)), "y": Y},
    "shape of 10^30": {"X": header((10**10, 10**10, 10**10)), "y": Y},
    "labels of 10^12": {"X": npy(np.zeros((4, 2))), "y": header((10**12,), "<i8")},
    "negative shape": {"X": header((-4, 2)), "y": Y},
    "long text": {"X": npy(np.zeros((4, 2))), "y": header((4,), "<U999999999")},
    "no items": {"X": npy(np.zeros((4, 2))), "y": header((10**12,), "V0")},
    "longer than it says": {"X": header((4, 2)) + bytes(800), "y": Y},
    "shorter than it says": {"X": header((400, 2)) + bytes(64), "y": Y},
    "objects": {"X": npy(np.zeros((4, 2))), "y": header((4,), "|O") + b"cos\nsystem\n."},
    "nested header": {"X": header("(" * 4000), "y": Y},
    "version 9": {"X": b"\x93NUMPY\x09\x00", "y": Y},
    "no array": {"X": b"PK", "y": Y},
}


def refused(path, message="x.npz"):
    with pytest.raises(UserError, match=message) as caught:
        file(FileOptions(path=str(path)))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


@pytest.mark.parametrize("name", LIES)
def test_an_archive_that_lies_is_one_line(tmp_path, name):
    refused(archive(tmp_path / "x.npz", **LIES[name]))


def test_an_archive_that_would_swell_is_not_unpacked(tmp_path):
    head = header((51_000_000, 2))
    refused(archive(tmp_path / "x.npz", packed=True, X=head + bytes(10_000), y=Y), "larger than")


def test_members_that_lead_elsewhere_are_left_alone(tmp_path):
    path = archive(tmp_path / "x.npz", **{"X": npy(np.eye(4)), "y": Y, "../../evil": b"x"})
    assert file(FileOptions(path=str(path))).x.shape == (4, 4)
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.npz"]


@pytest.mark.parametrize("names", [("X", "x"), ("y", "Y")])
def test_an_array_that_is_there_twice_is_refused(tmp_path, names):
    members = {"X": npy(np.eye(4)), "y": Y} | dict.fromkeys(names, Y)
    refused(archive(tmp_path / "x.npz", **members), "twice")


def test_a_damaged_stream_is_one_line(tmp_path):
    path = archive(
        tmp_path / "x.npz", packed=True, X=npy(np.random.default_rng(0).random((400, 2))), y=Y
    )
    content = bytearray(path.read_bytes())
    content[200:260] = bytes(60)
    path.write_bytes(content)
    refused(path, "damaged")


@pytest.mark.parametrize("content", [npy(np.eye(4)), b"\x80\x04cos\nsystem\n.", b"PK\x05\x06"])
def test_what_is_no_archive_is_one_line(tmp_path, content):
    (tmp_path / "x.npz").write_bytes(content)
    refused(tmp_path / "x.npz", "damaged")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"," * 999_999, "columns"),
        (b"," * 30_000 + b"\n", "columns"),
        (b"a" * 2_000_000 + b",y\n1,0\n2,1\n", "first line"),
        (b"a,y\n1\0,0\n2,1\n", "NUL"),
        (b"a,y\n" + b"x" * 2_000_000 + b",0\n2,1\n", "not numeric"),
        (b"y,a,y\n0,1,0\n1,2,1\n", "one name"),
        (b"y,a,label\n0,1,0\n1,2,1\n", "both hold labels"),
        (b"a,a,y\n0,1,0\n1,2,1\n", "one name"),
        (b'"' + b"a,1\n" * 100, "not a table"),
        (b"\xff\xfea,y\n", "not a table"),
        (b"b" * 5_000 + b",y\nx,0\n2,1\n", "not numeric"),
        (b"a,y\n1," + b"z" * 9_000 + b"\n2," + b"z" * 9_000 + b"\n", "all labels"),
    ],
)
def test_an_odd_table_is_one_line(tmp_path, content, message):
    (tmp_path / "x.csv").write_bytes(content)
    refused(tmp_path / "x.csv", message)


def test_one_long_label_takes_its_own_room_only(tmp_path):
    """As an array of fixed width, these labels would take 80 GB."""
    lines = [f"{i},{i % 3}" for i in range(20_000)] + ["1," + "z" * 1_000_000]
    (tmp_path / "x.csv").write_text("a,y\n" + "\n".join(lines) + "\n")
    assert len(file(FileOptions(path=str(tmp_path / "x.csv"))).classes) == 4


def idx(path, shape, content):
    sizes = b"".join(size.to_bytes(4) for size in shape)
    path.write_bytes(gzip.compress(b"\0\0\x08" + bytes([len(shape)]) + sizes + content, 1))
    return path


@pytest.mark.parametrize(
    ("shape", "content", "message"),
    [
        ((2**32 - 1, 2**32 - 1, 2**32 - 1), b"", "claims"),
        ((200_000_000, 1, 1), b"", "claims"),
        ((2, 2, 2), bytes(50_000_000), "does not fit its header"),
        ((2, 2, 2), bytes(7), "does not fit its header"),
    ],
)
def test_a_swelling_idx_file_is_read_no_further_than_its_header(tmp_path, shape, content, message):
    with pytest.raises(UserError, match=message):
        read_idx(idx(tmp_path / "x.gz", shape, content), "images")


def test_a_bomb_is_refused_within_the_memory_of_an_honest_file(tmp_path):
    path = idx(tmp_path / "x.gz", (2, 2, 2), bytes(200_000_000))
    tracemalloc.start()
    with pytest.raises(UserError, match="does not fit its header"):
        read_idx(path, "images")
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
