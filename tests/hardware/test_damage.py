"""A ledger's file that is damaged, foreign or of another schema: noticed, said, mended."""

import contextlib
import copy
import os
import random
import sqlite3
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_platform import MemoryPlatform, expected

from qhu.commands.jobs import lines, rows
from qhu.errors import BudgetRefused, UserError
from qhu.hardware import seals
from qhu.hardware.ledger import Ledger
from qhu.hardware.salvage import put_aside

TABLES = ("requests", "questions", "jobs", "events", "placements", "calibrations")
AFTER_4616C19 = """
CREATE TABLE IF NOT EXISTS requests (
  tag TEXT PRIMARY KEY, run TEXT NOT NULL, step TEXT NOT NULL, device TEXT NOT NULL,
  created TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('planned', 'submitted', 'done', 'failed')),
  estimate REAL NOT NULL, -- seconds
  reserved REAL,          -- seconds held for a job that may exist; NULL: none was tried
  instance TEXT,          -- where it was tried
  job TEXT, why TEXT
);
CREATE TABLE IF NOT EXISTS questions (
  key TEXT PRIMARY KEY, tag TEXT NOT NULL REFERENCES requests, place INTEGER NOT NULL,
  content BLOB NOT NULL,  -- circuit, observables, values, options: zlib of JSON
  means BLOB, errors BLOB -- the answer, NPY
);
CREATE INDEX IF NOT EXISTS by_tag ON questions (tag, place);
CREATE TABLE IF NOT EXISTS jobs (
  id TEXT PRIMARY KEY, tag TEXT NOT NULL REFERENCES requests, begun TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('submitted', 'done', 'failed', 'double')),
  reserved REAL NOT NULL, -- seconds it may use
  used REAL,              -- seconds it used, once that is final
  metrics TEXT, raw BLOB  -- as the platform gave them; raw: zlib
);
CREATE TABLE IF NOT EXISTS events (at TEXT NOT NULL, tag TEXT NOT NULL, what TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS placements (
  run TEXT NOT NULL, circuit TEXT NOT NULL, device TEXT NOT NULL, chosen TEXT NOT NULL,
  body BLOB NOT NULL, PRIMARY KEY (run, circuit)
);
CREATE TABLE IF NOT EXISTS calibrations (
  id TEXT PRIMARY KEY, device TEXT NOT NULL, date TEXT NOT NULL, properties BLOB NOT NULL
);
"""
"""The schema of the ledgers that hold what was paid before there were seals."""


@contextlib.contextmanager
def edited(path):
    """The file as something else than a ledger changes it."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        yield db


def contents(path, tables=TABLES):
    with edited(path) as db:
        return {t: sorted(db.execute(f"SELECT * FROM {t}").fetchall(), key=repr) for t in tables}


BUILT = {}


@pytest.fixture
def paid(tmp_path, dispatcher, platform, questions):
    """A ledger that is closed: five questions answered, two under way, usage known."""
    path, asked = tmp_path / "paid" / "paid.db", questions(7)
    if not BUILT:
        book = Ledger(path)
        made = dispatcher(book)
        made.answer(asked[:5])
        made.usage.settle()
        tag = made._plan(asked[5:])
        made._submitter.ensure(tag, {question.key: question for question in asked})
        for run in range(2):
            book.placements.keep(f"run{run}", "circuit", "ibm_here", bytes(range(256)) * 9)
        held = book.held()
        book.close()
        assert not path.with_name("paid.db-wal").exists()  # all of it is in the file
        BUILT.update(file=path.read_bytes(), platform=platform, held=held)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(BUILT["file"])
    platform = copy.deepcopy(BUILT["platform"])
    return SimpleNamespace(path=path, asked=asked, platform=platform, held=BUILT["held"])


@pytest.fixture
def command(paid, dispatcher):
    """Opens the ledger, asks everything again, and looks at what must hold."""

    def run(extra=0):
        said, platform = [], copy.deepcopy(paid.platform)
        book = Ledger(paid.path, said.append)
        assert book.held() >= paid.held
        made = dispatcher(book, platform, budget=30_000.0)
        answers = made.answer(paid.asked)
        for question in paid.asked:
            wanted = expected(np.ravel(question.content["values"]))
            np.testing.assert_array_equal(answers[question.key].means, wanted.means)
            np.testing.assert_array_equal(answers[question.key].errors, wanted.errors)
        made.usage.settle()
        assert len(platform.jobs) == len(paid.platform.jobs) + extra
        assert book.held() == 1.5 * len(platform.jobs)
        book.close()
        assert all("\n" not in line and "put aside as paid.20" in line for line in said)
        return said

    return run


def test_flipped_bits_all_over_the_file_are_noticed_or_harmless_and_mended(paid, command):
    whole, before, chance = paid.path.read_bytes(), contents(paid.path), random.Random(1)
    noticed = 0
    for _ in range(30):
        place, flipped = chance.randrange(8 * len(whole)), bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        paid.path.write_bytes(flipped)
        said = []
        Ledger(paid.path, said.append).close()
        assert said or contents(paid.path) == before
        assert command() == []
        noticed += len(said)
    assert noticed > 5


def test_a_schema_that_is_no_text_any_more_is_put_right(paid, command):
    whole = bytearray(paid.path.read_bytes())
    for place in (whole.index(b"CREATE TABLE jobs") + 3, whole.index(b"by_tag")):
        paid.path.write_bytes(whole[:place] + b"\xe2" + whole[place + 1 :])
        assert len(command()) == 1


CELLS = [
    *[("questions", column, f"{column} IS NOT NULL") for column in ("content", "means", "errors")],
    *[("jobs", column, "state = 'done'") for column in ("raw", "metrics", "begun")],
    *[("placements", "body", "TRUE"), ("requests", "run", "TRUE")],
]


@pytest.mark.parametrize(("table", "column", "where"), CELLS)
def test_cells_that_are_not_what_was_written_are_noticed(paid, command, table, column, where):
    chance, before, whole = random.Random(1), contents(paid.path), paid.path.read_bytes()
    for bits in (1, 1, 1, 5):
        paid.path.write_bytes(whole)
        with edited(paid.path) as db:
            kind = f"typeof({column})"
            query = f"SELECT rowid, {kind}, CAST({column} AS BLOB) FROM {table} WHERE {where}"
            rowid, kind, cell = db.execute(query).fetchall()[1]
            body = bytearray(cell)
            for place in chance.sample(range(7 * len(body)), bits):  # text stays text
                body[place // 7] ^= 1 << place % 7
            change = f"UPDATE {table} SET {column} = CAST(? AS {kind}) WHERE rowid = ?"
            db.execute(change, (body, rowid))
        if bits == 1:
            said = []
            Ledger(paid.path, said.append).close()
            assert len(said) == 1 and contents(paid.path) == before
        else:
            assert len(command()) == 1


@pytest.mark.parametrize("value", [0.0, -5000.0, 1e-9, None, "text"])
@pytest.mark.parametrize("column", ["used", "reserved"])
def test_time_counts_at_its_worst_until_the_platform_tells_it_again(paid, command, column, value):
    with edited(paid.path) as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        if column == "reserved" and value is None:
            value = b""
        db.execute(f"UPDATE jobs SET {column} = ? WHERE id = 'job1'", (value,))
    said = []
    book = Ledger(paid.path, said.append)
    assert len(said) == 1 and book.held() >= paid.held
    book.close()
    assert command() == []


def test_an_answer_is_read_again_from_the_platform_where_its_results_are_damaged_too(paid, command):
    with edited(paid.path) as db:
        db.execute("UPDATE jobs SET raw = x'00' WHERE id = 'job1'")
        db.execute("UPDATE questions SET means = x'00' WHERE key = 'key2'")
    assert len(command()) == 1


@pytest.mark.parametrize(("column", "kind"), [("means", "TEXT"), ("tag", "BLOB")])
def test_a_flipped_bit_that_changes_the_type_of_a_cell_is_put_right(paid, command, column, kind):
    before = contents(paid.path)
    with edited(paid.path) as db:
        db.execute(f"UPDATE questions SET {column} = CAST({column} AS {kind}) WHERE key = 'key2'")
    said = []
    Ledger(paid.path, said.append).close()
    assert len(said) == 1 and contents(paid.path) == before
    assert command() == []


class Forgetful(MemoryPlatform):
    def metrics(self, job):
        return super().metrics(job) if job in self.jobs else (None, {})


def test_what_nobody_has_any_more_is_asked_again_within_the_budget(paid, command, dispatcher):
    with edited(paid.path) as db:
        db.execute("UPDATE jobs SET raw = x'00' WHERE id = 'job1'")
        db.execute("UPDATE questions SET means = x'00' WHERE key = 'key2'")
    paid.platform.__class__ = Forgetful
    gone = paid.platform.jobs.pop("job1")
    with pytest.raises(BudgetRefused):
        dispatcher(Ledger(paid.path, print), paid.platform, budget=8.0).answer(paid.asked)
    paid.held = 0  # what was settled is not at its worst any more
    paid.platform.jobs["gone"] = gone | {"tag": "of another"}
    assert command(extra=1) == []


def test_damage_that_is_noticed_while_the_file_is_open_is_mended_there(paid, command):
    said = []
    book = Ledger(paid.path, said.append)
    with edited(paid.path) as db:
        db.execute("UPDATE questions SET means = x'00' WHERE key = 'key2'")
    assert book.answer("key2") is None and len(said) == 1
    assert book.answer("key3") is not None
    book.close()
    assert command() == []


def test_a_listing_is_proven_too(paid):
    page = paid.path.read_bytes().index(b"ibm_here") // 4096
    said = []
    with edited(paid.path) as db:
        db.execute("UPDATE jobs SET used = 0 WHERE id = 'job1'")
    listed = rows(Ledger(paid.path, said.append, thorough=False))
    assert len(said) == 1 and {row["used"] for row in listed} == {1.5, None}
    with paid.path.open("r+b") as file:  # nor can it be read
        file.seek(4096 * page)
        file.write(bytes(4096))
    assert lines(Ledger(paid.path, said.append, thorough=False)) and len(said) == 2


def empty(path):
    path.write_bytes(b"")


def truncated(path):
    os.truncate(path, path.stat().st_size // 2)


def something(path):
    path.write_bytes(b"something else" * 1000)


def another(path):
    path.unlink()
    with edited(path) as db:
        db.execute("PRAGMA application_id = 77")
        db.execute("CREATE TABLE pictures (id)")


@pytest.mark.parametrize("become", [empty, truncated, something, another])
def test_a_file_of_no_use_is_put_aside_and_a_new_one_begun(tmp_path, become):
    path, said = tmp_path / "ledger.db", []
    Ledger(path).close()
    become(path)
    before = path.read_bytes()
    book = Ledger(path, said.append)
    assert len(said) == 1 and "put aside as ledger.20" in said[0] and book.requests() == []
    book.note("tag", "works")
    book.close()
    (aside,) = tmp_path.glob("ledger.20*.db")
    assert aside.read_bytes() == before
    assert Ledger(path, said.append).history("tag") and len(said) == 1


def test_a_file_goes_aside_with_its_journals(tmp_path):
    path = tmp_path / "ledger.db"
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        path.with_name(name).write_text(name)
    first, second = put_aside(path), put_aside(path)
    assert first != second and first.read_text() == second.read_text() == "ledger.db"
    assert {f.name for f in tmp_path.iterdir()} == {
        *("ledger.db", first.name, f"{first.name}-wal", f"{first.name}-shm", second.name)
    }


def test_a_file_of_a_newer_schema_keeps_what_both_know(paid, command):
    with edited(paid.path) as db:
        db.execute("PRAGMA user_version = 999")
        db.execute("ALTER TABLE jobs ADD COLUMN weather TEXT")
    (line,) = command()
    assert "is of another schema" in line


def test_a_ledger_from_before_there_were_seals_keeps_its_answers(paid, command):
    """The schema of commit 4616c19."""
    rows = contents(paid.path)
    paid.path.unlink()
    with edited(paid.path) as db:
        db.executescript(AFTER_4616C19)
        for table, kept in rows.items():
            width = len(db.execute(f"SELECT * FROM {table}").description)  # the owner is later
            marks = ", ".join("?" * width)
            db.executemany(f"INSERT INTO {table} VALUES ({marks})", [row[:width] for row in kept])
    said = []
    Ledger(paid.path, said.append).close()
    assert len(said) == 1 and "is of another schema" in said[0]
    assert contents(paid.path) == rows
    assert command() == []


def test_a_command_goes_on_in_the_file_that_another_one_put_in_place(paid, command):
    first = Ledger(paid.path)
    with edited(paid.path) as db:
        db.execute("UPDATE questions SET means = x'00' WHERE key = 'key2'")
    Ledger(paid.path, [].append).close()
    first.note("tag", "written later")
    first.close()
    with edited(paid.path) as db:
        assert db.execute("SELECT what FROM events WHERE tag = 'tag'").fetchone()


def test_a_file_in_use_is_not_put_aside(paid):
    with Ledger(paid.path).alone():
        with edited(paid.path) as db:
            db.execute("UPDATE questions SET means = x'00' WHERE key = 'key2'")
        with pytest.raises(UserError, match="another command is using it: end that first"):
            Ledger(paid.path)


def test_eight_processes_open_a_new_ledger_at_once(tmp_path):
    script = (
        "import multiprocessing, sys; from pathlib import Path\n"
        "from qhu.hardware.ledger import Ledger\n"
        "fork = multiprocessing.get_context('fork'); begin = fork.Barrier(8)\n"
        "def work(number):\n"
        "    begin.wait(); book = Ledger(Path(sys.argv[1]) / 'new' / 'ledger.db')\n"
        "    book.note('tag', str(number))\n"
        "started = [fork.Process(target=work, args=(number,)) for number in range(8)]\n"
        "[process.start() for process in started]; [process.join() for process in started]\n"
        "sys.exit(max(process.exitcode for process in started))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(Ledger(tmp_path / "new" / "ledger.db").history("tag")) == 8


def test_only_its_owner_reads_a_ledger(tmp_path):
    path = tmp_path / "new" / "ledger.db"
    Ledger(path).note("tag", "written")
    files = [path.parent, *path.parent.iterdir()]
    assert not any(file.stat().st_mode & 0o077 for file in files if file.suffix != ".lock")
    path.chmod(0o644)  # one from before
    Ledger(path)
    assert not path.stat().st_mode & 0o077


CELL = st.one_of(st.none(), st.binary(max_size=300), st.floats(allow_nan=False), st.integers(-9, 9))


@given(CELL, st.randoms(use_true_random=False))
def test_every_flipped_bit_of_a_cell_is_put_right(cell, chance):
    sums = seals._seal(cell)
    assert seals.repaired(cell, sums, "") == cell
    if isinstance(cell, bytes) and cell:
        place, body = chance.randrange(8 * len(cell)), bytearray(cell)
        body[place // 8] ^= 1 << place % 8
        assert seals.repaired(bytes(body), sums, "") == cell
    other = bytearray(sums)
    place = chance.randrange(8 * len(sums))
    other[place // 8] ^= 1 << place % 8
    assert seals.repaired(cell, bytes(other), "") == cell
    assert seals.repaired(b"something else", sums, "") == seals.Lost(b"something else")
