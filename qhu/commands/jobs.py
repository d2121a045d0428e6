"""The ledger in words: what was asked, where it stands, what it took."""

from typing import Any

from qhu.errors import UserError
from qhu.hardware.access import Access
from qhu.hardware.ledger import Ledger
from qhu.hardware.questions import JobRequest

MEANING = {
    "planned": "written down, not known to be submitted; the run that asked submits it",
    "submitted": "on the platform; fetch it, or run the same command again",
    "done": "answered; whoever asks the same is answered from here",
    "failed": "no results; the run that asked submits it again",
}
"""What each state of a request means for you."""


LISTED = """
SELECT r.tag, r.device, r.state, r.job,
  (SELECT count(*) FROM questions AS q WHERE q.tag = r.tag) AS models,
  round(r.estimate, 1) AS estimate, j.used, r.created, r.why
FROM requests AS r LEFT JOIN jobs AS j ON j.id = r.job ORDER BY r.created, r.rowid
"""


def rows(ledger: Ledger) -> list[dict[str, Any]]:
    """One line per request, oldest first."""
    return _proven(ledger)[0]


def _proven(ledger: Ledger) -> tuple[list[dict[str, Any]], float]:
    """Requests, and the seconds used or held."""
    held = ledger.held()  # first, for it proves what is listed
    return [dict(row) for row in ledger.all(LISTED)], held


def lines(ledger: Ledger) -> list[str]:
    """Requests and what they took, in words."""
    printed = []
    listed, held = _proven(ledger)
    for row in listed:
        used = "usage not known" if row["used"] is None else f"used {row['used']:.1f} s"
        printed.append(
            f"{row['state']:<9} {row['job'] or 'no job'} on {row['device']}: "
            f"{row['models']} models, about {row['estimate']} s, {used}; {row['tag']}"
        )
    return [*printed, f"{held:.1f} s of device time used or held"]


def explain(ledger: Ledger, name: str) -> list[str]:
    """All that is known of a request, by its tag or by a job's name.

    Raises:
        UserError: the ledger knows neither.
    """
    request = find(ledger, name)
    lines = [
        f"{request.tag} on {request.device}, asked by run {request.run} at {request.created}",
        f"{request.state}: {MEANING[request.state]}",
        f"{len(request.keys)} models, about {request.estimate:.1f} s",
    ]
    lines += [f"why: {request.why}"] if request.why else []
    for job in ledger.jobs("tag = ?", request.tag):
        worst = ledger.margin.worst(job["reserved"])
        silent = f"usage not known, {worst:.1f} s held"
        used = silent if job["used"] is None else f"used {job['used']:.1f} s"
        lines.append(f"job {job['id']}: {job['state']}, limit {job['reserved']:.0f} s, {used}")
    return lines + [f"{at} {what}" for at, what in ledger.history(request.tag)]


def find(ledger: Ledger, name: str) -> JobRequest:
    """A request by its tag or by the name of one of its jobs.

    Raises:
        UserError: the ledger knows neither.
    """
    query = "tag = ? OR tag IN (SELECT tag FROM jobs WHERE id = ?)"
    requests = ledger.requests(query, name, name)
    if not requests:
        raise UserError(f"the ledger knows no request or job '{name}': see `qhu jobs`")
    return requests[0]


def fetch(access: Access, ledger: Ledger, say: Any) -> None:
    """Look once at every job under way, keep what has ended, and learn what jobs used."""
    from qhu.hardware.options import Options  # with Qiskit and its client, seconds to import
    from qhu.hardware.session import DeviceSession

    for device in sorted({r.device for r in ledger.requests("state <> 'planned'")}):
        session = DeviceSession(device, Options(), access, run="", stage="", say=say)
        with ledger.alone():
            session.dispatcher.fetch()
        session.dispatcher.usage.settle()


def give_up(ledger: Ledger, name: str) -> None:
    """Take a request for failed whose job the platform does not know any more.

    Raises:
        UserError: the ledger does not know it, or it has its answer.
    """
    request = find(ledger, name)
    if request.state == "done":
        raise UserError(f"{request.tag} is answered already: nothing to give up")
    ledger.failed(request.tag, "given up by you")
