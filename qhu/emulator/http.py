"""Requests, replies and the table of routes: what the platform sees of HTTP."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ValidationError

Authorization = Literal["open", "token", "instance"]
Form = TypeVar("Form", bound=BaseModel)
UNKNOWN = 9999
"""Code of a refusal whose code IBM's registry was not seen to list."""
_PREFIX = re.compile(r"^(/experimental)?/api/v1(?=/)")


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        method: in capitals.
        path: without query and without the prefix of the runtime API.
        query: values by name; a name may be given several times.
        headers: by lower-case name.
        body: as sent.
    """

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def parse(cls, method: str, target: str, headers: Mapping[str, str], body: bytes) -> "Request":
        """Request from what the socket gave.

        Raises:
            ApiError: its address is none.
        """
        try:
            parts = urlsplit(target)
        except ValueError as error:
            raise ApiError(400, UNKNOWN, f"The address is not valid: {error}.") from None
        path = _PREFIX.sub("", parts.path)
        names = {name.lower(): value for name, value in headers.items()}
        return cls(method, path, parse_qs(parts.query), names, body)

    def read(self, form: type[Form]) -> Form:
        """The body, a JSON object of this form; what the form does not name is left out.

        Raises:
            ApiError: it is none.
        """
        try:
            return form.model_validate(json.loads(self.body))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "body"
            raise ApiError(400, UNKNOWN, f"{where}: {first['msg']}.") from None
        except (ValueError, RecursionError):
            raise ApiError(400, UNKNOWN, "The body of the request is not valid JSON.") from None

    def first(self, name: str) -> str | None:
        """The only, or first, value of a query parameter."""
        return self.query.get(name, [None])[0]


@dataclass(frozen=True)
class Reply:
    """One reply."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, document: Any, status: int = 200) -> "Reply":
        """Reply with a JSON document."""
        body = json.dumps(document).encode()
        return cls(body, status, {"Content-Type": "application/json"})


class ApiError(Exception):
    """A request that the platform refuses, with IBM's own code and shape of body."""

    def __init__(
        self, status: int, code: int, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self._headers = headers or {}

    def reply(self) -> Reply:
        """The refusal as the client sees it."""
        reply = Reply.json(error_body(self.code, self.message), self.status)
        return Reply(reply.body, reply.status, {**reply.headers, **self._headers})


def error_body(code: int, message: str) -> dict[str, Any]:
    """Body of a refusal, shaped as the platform does it."""
    return {"errors": [{"code": code, "message": message}], "trace": "emulated"}


@dataclass(frozen=True)
class Route:
    """One line of the table of routes."""

    method: str
    pattern: re.Pattern[str]
    access: Authorization
    answer: Callable[..., Any]


class Routes:
    """The table of routes; an answer is a document for JSON, or a :class:`Reply`."""

    def __init__(self) -> None:
        self._routes: list[Route] = []

    def __call__(
        self, method: str, path: str, access: Authorization = "instance"
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorator: the function answers ``method path``, called with (platform, request, *ids).

        Args:
            method: in capitals.
            path: with ``{}`` for each id.
            access: what the request must carry: nothing, a bearer token, or also the instance.
        """
        pattern = re.compile(re.escape(path).replace(r"\{\}", "([^/]+)") + "/?")

        def add(answer: Callable[..., Any]) -> Callable[..., Any]:
            self._routes.append(Route(method, pattern, access, answer))
            return answer

        return add

    def find(self, request: Request) -> tuple[Route, tuple[str, ...]]:
        """The route of a request and the ids in its path.

        Raises:
            ApiError: there is none.
        """
        for item in self._routes:
            match = item.pattern.fullmatch(request.path)
            if match and item.method == request.method:
                return item, match.groups()
        raise ApiError(404, UNKNOWN, f"There is no {request.method} {request.path}.")


routes = Routes()
