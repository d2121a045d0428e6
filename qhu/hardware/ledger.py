"""What was asked of a device, what it answered and what it took: written before it is paid for.

A *question* is one circuit with its parameter sets and observables, known by the hash of its
content. A *request* is a job's worth of questions; its tag is also on the job. A request is

    planned ─► submitted ─► done
       ▲           └──────► failed ─► (asked again) planned

and every step is on the disk before the next begins. So whatever happens to this process, the
next one knows what may be running, and finds it again by its tag.
"""

import math
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from qhu.errors import BudgetRefused
from qhu.hardware.database import Database, array, npy, packed, unpacked
from qhu.hardware.margin import SECONDS, SHARE, Margin
from qhu.hardware.mending import kept_row, mend
from qhu.hardware.placements import PLACEMENTS_SCHEMA, Placements
from qhu.hardware.questions import Answer, JobRequest
from qhu.hardware.salvage import Layout
from qhu.hardware.seals import SEALS_SCHEMA
from qhu.hardware.usage import LONGEST
from qhu.record.clock import now
from qhu.record.json_text import json_text

LEDGER_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
  tag TEXT PRIMARY KEY, run TEXT NOT NULL, step TEXT NOT NULL, device TEXT NOT NULL,
  created TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('planned', 'submitted', 'done', 'failed')),
  estimate REAL NOT NULL, -- seconds
  reserved REAL,          -- limit of a job that may exist, in seconds; NULL: none was tried
  instance TEXT,          -- where it was tried
  job TEXT, why TEXT,
  owner TEXT NOT NULL DEFAULT '' -- whose budget it is
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
  reserved REAL NOT NULL, -- its limit, in seconds
  used REAL,              -- seconds it used, once that is known
  metrics TEXT, raw BLOB, -- as the platform gave them; raw: zlib
  owner TEXT NOT NULL DEFAULT '' -- who submitted it; '': not known, so that it counts for everyone
);
CREATE TABLE IF NOT EXISTS events (at TEXT NOT NULL, tag TEXT NOT NULL, what TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_run ON requests (run, step);
CREATE INDEX IF NOT EXISTS by_state ON requests (state, device);
CREATE INDEX IF NOT EXISTS by_request ON jobs (tag);
CREATE INDEX IF NOT EXISTS by_usage ON jobs (used) WHERE used IS NULL;
CREATE INDEX IF NOT EXISTS by_event ON events (tag);
"""
OWN = "(?1 IS NULL OR owner IN (?1, ''))"
SILENT = f"""
SELECT reserved FROM jobs WHERE used IS NULL AND {OWN} UNION ALL
SELECT reserved FROM requests
WHERE state = 'planned' AND reserved IS NOT NULL AND {OWN} AND tag <> ?2
"""
"""Limits of jobs that have not told what they used, and of those that may exist."""
OVERSHOT = """
SELECT MAX(used - reserved - ? * reserved), MAX((used - reserved - ?) / reserved)
FROM jobs WHERE used > reserved AND reserved > 0
"""


def generous(estimate: float) -> int:
    """The limit of a job of an estimate where nothing is scarce, in whole seconds."""
    return min(math.ceil(2 * estimate) + 10, LONGEST)


def too_long(estimate: float) -> str:
    """What is said of a job that is estimated to take longer than any job may."""
    return (
        f"a job of about {estimate:,.0f} s is longer than the platform allows, {LONGEST:,} s: "
        "lower job_seconds, or ask for fewer shots or rows"
    )


def _warn(line: str) -> None:
    print(line, file=sys.stderr)


class Ledger(Database):
    """The ledger; one file for devices, another one for emulators.

    Args:
        path: the SQLite file.
        say: told when a file that is of no use was put aside.
        thorough: whether all of the file is read and proven; else, what is asked for.
        owner: whose requests are made, and whose budget counts; None: everybody's.

    Attributes:
        owner: whose requests are made.
        placements: where circuits lie.
    """

    def __init__(
        self,
        path: Path,
        say: Callable[[str], None] = _warn,
        thorough: bool = True,
        owner: str | None = None,
    ) -> None:
        schema = LEDGER_SCHEMA + PLACEMENTS_SCHEMA + SEALS_SCHEMA
        super().__init__(path, Layout(schema, kept_row, mend), say, thorough)
        self.owner, self._whose = owner or "", owner
        self.placements = Placements(self)

    # -- questions and answers ---------------------------------------------------------------------

    def answer(self, key: str) -> Answer | None:
        """The answer to a question, whoever asked it; None where there is none yet."""
        self.prove("questions", "key = ?", key)
        row = self.first("SELECT means, errors FROM questions WHERE key = ?", key)
        if row is None or row["means"] is None:
            return None
        return Answer(array(row["means"]), array(row["errors"]))

    def is_asked(self, key: str) -> bool:
        """Whether a question has an answer, or a job that is to answer it."""
        query = (
            "SELECT 1 FROM questions JOIN requests USING (tag) "
            "WHERE key = ? AND state IN ('submitted', 'done')"
        )
        return self.first(query, key) is not None

    def holder(self, key: str) -> JobRequest | None:
        """The request that a question is part of."""
        row = self.first("SELECT tag FROM questions WHERE key = ?", key)
        return self.request(row["tag"]) if row else None

    def request(self, tag: str) -> JobRequest:
        """The request of that tag, which must exist."""
        return self.requests("tag = ?", tag)[0]

    def requests(self, where: str = "TRUE", *values: Any) -> list[JobRequest]:
        """Requests that fulfil a condition, oldest first."""
        chosen = f"FROM requests WHERE {where}"
        keys: dict[str, list[str]] = {}
        asked = f"SELECT tag, key FROM questions WHERE tag IN (SELECT tag {chosen}) "
        for tag, key in self.all(f"{asked} ORDER BY tag, place", *values):
            keys.setdefault(tag, []).append(key)
        rows = self.all(f"SELECT * {chosen} ORDER BY created, rowid", *values)
        return [JobRequest(**dict(row), keys=tuple(keys.get(row["tag"], ()))) for row in rows]

    # -- the life of a request ---------------------------------------------------------------------

    def plan(self, request: JobRequest, contents: Sequence[Mapping[str, Any]]) -> None:
        """Write down a request that nothing was done for yet."""
        values = (request.tag, request.run, request.step, request.device, request.created)
        questions = zip(request.keys, contents, strict=True)
        with self.writing():
            self.set(
                "INSERT INTO requests (tag, run, step, device, created, state, estimate, owner) "
                "VALUES (?, ?, ?, ?, ?, 'planned', ?, ?) ON CONFLICT (tag) DO UPDATE SET "
                "state = 'planned', why = NULL, owner = excluded.owner, "
                "estimate = MAX(estimate, excluded.estimate)",
                *(*values, request.estimate, self.owner),
            )
            for place, (key, content) in enumerate(questions):
                self.set(
                    "INSERT INTO questions (key, tag, place, content) VALUES (?, ?, ?, ?)",
                    *(key, request.tag, place, packed(content)),
                )

    def drop(self, tag: str) -> None:
        """Give up a request that no job exists for; its questions can be asked otherwise."""
        with self.writing():
            self.set("DELETE FROM questions WHERE tag = ? AND means IS NULL", tag)
            self.set(
                "UPDATE requests SET state = 'failed', reserved = NULL, "
                "why = 'given up: its questions were asked otherwise' WHERE tag = ?",
                tag,
            )

    def begin(self, tag: str, budget: float, instance: str) -> int:
        """Hold time for a job that is about to be submitted.

        Args:
            tag: the request.
            budget: seconds that all jobs of the owner may be charged together.
            instance: where it is submitted.

        Returns:
            The job's limit in whole seconds: generous, but with its margin never above what is
            left.

        Raises:
            BudgetRefused: less is left than the job is estimated to take, or it is estimated to
                take longer than any job may.
        """
        with self.writing():
            estimate = self.request(tag).estimate
            if not estimate <= LONGEST:
                raise BudgetRefused(too_long(estimate))
            margin, left = self.margin, budget - self.held(without=tag)
            allowed = margin.fitting(left, generous(estimate))
            if allowed < estimate:
                raise BudgetRefused(
                    f"a job of about {estimate:.1f} s, for which {margin.worst(estimate):.1f} s "
                    f"are held, is above the budget: {max(left, 0):.1f} s of max_qpu_seconds "
                    f"{budget:g} are left{self._unknown()}; raise it, or ask for less"
                )
            # An attempt whose fate is unknown may have made a job of its own limit.
            self.set(
                "UPDATE requests SET reserved = CASE WHEN state = 'planned' "
                "THEN MAX(COALESCE(reserved, 0), ?1) ELSE ?1 END, "
                "state = 'planned', instance = ?2, job = NULL, why = NULL WHERE tag = ?3",
                *(allowed, instance, tag),
            )
            return allowed

    def _unknown(self) -> str:
        """How much of what is held waits for the platform to say what was used, in words."""
        jobs = self.jobs(f"used IS NULL AND state <> 'submitted' AND {OWN}", self._whose)
        if not jobs:
            return ""
        held = sum(self.margin.worst(job["reserved"]) for job in jobs)
        return (
            f" ({held:.1f} s are held for {len(jobs)} jobs whose use the platform has not told: "
            "`qhu jobs --fetch` asks again)"
        )

    def submitted(self, tag: str, job: str, owner: str | None = None) -> None:
        """A job exists for the request.

        Args:
            tag: the request.
            job: the job.
            owner: who submitted it; None: this ledger's owner.
        """
        with self.writing():
            self._job(tag, job, "submitted", owner)
            self.set("UPDATE requests SET state = 'submitted', job = ? WHERE tag = ?", job, tag)

    def doubled(self, tag: str, job: str) -> None:
        """A second job was found for the request; it is not wanted, but it may have cost."""
        with self.writing():
            self._job(tag, job, "double")

    def dead(self, tag: str, job: str, owner: str) -> None:
        """A job that ended without results was seen for the request; it may have cost."""
        with self.writing():
            self._job(tag, job, "failed", owner)

    def _job(self, tag: str, job: str, state: str, owner: str | None = None) -> None:
        request = self.request(tag)
        limit = generous(request.estimate) if request.reserved is None else request.reserved
        self.set(
            "INSERT INTO jobs (id, tag, begun, state, reserved, owner) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
            *(job, tag, now(), state, limit, self.owner if owner is None else owner),
        )

    def keep(self, job: str, raw: str) -> None:
        """Keep the results of a job as they came, before anybody reads them."""
        with self.writing():
            self.set("UPDATE jobs SET raw = ? WHERE id = ?", zlib.compress(raw.encode()), job)

    def done(self, tag: str, answers: Sequence[Answer]) -> None:
        """Keep what the results of the request's job were read as."""
        with self.writing():
            for place, (means, errors) in enumerate(answers):
                self.set(
                    "UPDATE questions SET means = ?, errors = ? WHERE tag = ? AND place = ?",
                    *(npy(means), npy(errors), tag, place),
                )
            self._end(tag, "done")

    def failed(self, tag: str, why: str, longer: bool = False) -> None:
        """The request's job ended without results.

        Args:
            tag: the request.
            why: what the platform says.
            longer: whether it was stopped at its limit; the next one is expected to take longer.
        """
        with self.writing():
            self._end(tag, "failed")
            self.set(
                "UPDATE requests SET why = ?, estimate = CASE WHEN ? "
                "THEN MAX(estimate, reserved) ELSE estimate END WHERE tag = ?",
                *(why, longer, tag),
            )

    def _end(self, tag: str, state: str) -> None:
        self.set(
            "UPDATE jobs SET state = ? WHERE id = (SELECT job FROM requests WHERE tag = ?)",
            *(state, tag),
        )
        self.set("UPDATE requests SET state = ? WHERE tag = ?", state, tag)

    def note(self, tag: str, what: str) -> None:
        """Keep a line of a request's history."""
        with self.writing():
            self.set("INSERT INTO events VALUES (?, ?, ?)", now(), tag, what)

    def history(self, tag: str) -> list[tuple[str, str]]:
        """When what happened to a request."""
        rows = self.all("SELECT at, what FROM events WHERE tag = ? ORDER BY rowid", tag)
        return [(row["at"], row["what"]) for row in rows]

    def doubtful(self, beginning: str, since: str) -> list[str]:
        """Own requests with a line in their history.

        Args:
            beginning: how the line begins.
            since: UTC, ISO 8601; older lines do not count.
        """
        query = (
            "SELECT DISTINCT tag FROM events JOIN requests USING (tag) "
            "WHERE substr(what, 1, length(?1)) = ?1 AND at > ?2 AND owner = ?3"
        )
        return [tag for (tag,) in self.all(query, beginning, since, self.owner)]

    # -- jobs and their time -----------------------------------------------------------------------

    @property
    def margin(self) -> Margin:
        """What is held for a job beside its limit: by what the ledger's jobs exceeded theirs."""
        row = self.first(OVERSHOT, SHARE, SECONDS)
        assert row is not None
        return Margin(max(SECONDS, row[0] or 0.0), max(SHARE, row[1] or 0.0))

    def held(self, without: str = "") -> float:
        """Seconds used by the owner's jobs that told so, and held at their worst for all others.

        Args:
            without: tag of a request whose unconfirmed job is left out.
        """
        for table in ("requests", "jobs"):
            self.prove(table, blobs=False)
        margin = self.margin
        row = self.first(f"SELECT TOTAL(used) FROM jobs WHERE {OWN}", self._whose)
        assert row is not None
        worst = (margin.worst(limit) for (limit,) in self.all(SILENT, self._whose, without))
        return math.fsum([row[0], *worst])

    def jobs(self, where: str = "TRUE", *values: Any) -> list[dict[str, Any]]:
        """Jobs that fulfil a condition, oldest first, without their raw results."""
        columns = "id, tag, begun, state, reserved, used, metrics, owner"
        query = f"SELECT {columns} FROM jobs WHERE {where} ORDER BY begun, rowid"
        return [dict(row) for row in self.all(query, *values)]

    def settle(self, job: str, used: float, metrics: Any) -> None:
        """What a job used is known: hold no more than that. A correction only ever adds."""
        with self.writing():
            self.set(
                "UPDATE jobs SET used = MAX(COALESCE(used, 0), ?), metrics = ? WHERE id = ?",
                *(used, json_text(metrics), job),
            )

    def shapes(self, tag: str) -> list[tuple[int, int]]:
        """Shapes of the answers that a request waits for: (observables, parameter sets)."""
        self.prove("questions", "tag = ?", tag)
        rows = self.all("SELECT content FROM questions WHERE tag = ? ORDER BY place", tag)
        contents = [unpacked(row["content"]) for row in rows]
        return [(len(content["observables"]), len(content["values"])) for content in contents]

    def raw(self, job: str) -> str | None:
        """The results of a job as the platform gave them."""
        self.prove("jobs", "id = ?", job)
        row = self.first("SELECT raw FROM jobs WHERE id = ?", job)
        return zlib.decompress(row["raw"]).decode() if row and row["raw"] else None
