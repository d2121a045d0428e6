"""What goes wrong, by script: which request meets which fault, and when."""

import re
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from qhu.emulator.http import Reply, Request, error_body
from qhu.errors import UserError
from qhu.record.documents import read_document


class Fault(BaseModel):
    """One line of a fault script.

    The first line that matches a request and is due fires; lines count their matches from when they
    were added.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    do: Literal[
        "status",
        "drop",
        "hang",
        "slow",
        "truncate",
        "malform",
        "job_failed",
        "job_cancelled",
        "job_max_time",
        "session_closed",
        "tokens_revoked",
        "maintenance",
        "online",
        "retired",
        "recalibrate",
        "usage_limit",
    ]
    """``status``: answer with ``status``, ``headers`` and ``body``. ``drop``: cut the connection.
    ``hang``: say nothing for ``seconds``, then cut it. ``slow``: answer after ``seconds``.
    ``truncate``: cut the connection inside the body. ``malform``: send half of the body as if it
    were all. The others change the platform and leave the answer alone: the job that the request
    made or named ends badly; sessions close; tokens issued so far are refused; a device goes into
    maintenance (for ``seconds``, 0 for good), comes back, is retired, or is calibrated anew; the
    usage limit counts as reached (likewise)."""
    method: str = ".*"
    """Regular expression for the method."""
    path: str = ".*"
    """Regular expression for the whole path, without ``/api/v1``, such as ``/jobs/[^/]+``."""
    nth: int = Field(default=1, ge=1)
    """The first match that fires, counted from 1."""
    times: int = Field(default=1, ge=0)
    """How many matches in a row fire; 0 for all that follow."""
    when: Literal["before", "after"] = "before"
    """Whether ``status``, ``drop`` and ``hang`` replace the request's effect or follow it."""
    status: int = Field(default=500, ge=100, le=599)
    headers: dict[str, str] = {}
    body: Any = None
    """Body of ``status``; by default an error in the platform's shape."""
    seconds: float = Field(default=0, ge=0)
    device: str | None = None
    """Device of an event; all by default."""

    @field_validator("method", "path")
    @classmethod
    def _expression(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return value

    @property
    def prevents(self) -> bool:
        """Whether the request is not applied at all."""
        return self.do in ("status", "drop", "hang") and self.when == "before"

    def matches(self, request: Request) -> bool:
        """Whether the line is about this request."""
        method = re.fullmatch(self.method, request.method)
        return bool(method and re.fullmatch(self.path, request.path))

    def reply(self) -> Reply:
        """The reply of ``status``."""
        body = error_body(self.status, "A fault by script.") if self.body is None else self.body
        reply = Reply.json(body, self.status)
        return Reply(reply.body, self.status, {**reply.headers, **self.headers})


class Script:
    """Faults in order, each with the number of its matches so far."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._lines: list[tuple[Fault, list[int]]] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Add a fault, due from now on."""
        with self._lock:
            self._lines.append((fault, [0]))

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._lines.clear()

    def meet(self, request: Request) -> Fault | None:
        """Count the request; the fault that it meets."""
        fired = None
        with self._lock:
            for fault, seen in self._lines:
                if fault.matches(request):
                    seen[0] += 1
                    late = seen[0] - fault.nth
                    due = late >= 0 and (fault.times == 0 or late < fault.times)
                    fired = fault if due and fired is None else fired
        return fired


def read_faults(file: Path) -> list[Fault]:
    """Faults of a script, a YAML or JSON list.

    Raises:
        UserError: the file is missing or is no such list.
    """
    try:
        lines = read_document(file, f"the fault script {file}") or []
        return TypeAdapter(list[Fault]).validate_python(lines)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"fault script {file}, line {where}: {first['msg']}") from None
