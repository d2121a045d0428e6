"""The way from a request to a reply, and what a fault does to both."""

import logging

from qhu.emulator.events import happen
from qhu.emulator.faults import Fault
from qhu.emulator.http import UNKNOWN, ApiError, Reply, Request, error_body, routes
from qhu.emulator.platform import CRN, EmulatedPlatform

_log = logging.getLogger(__name__)


def answer(platform: EmulatedPlatform, request: Request) -> tuple[Reply, Fault | None]:
    """Reply to a request, and the fault that spoils it on the way back."""
    fault = platform.script.meet(request)
    reply = Reply()
    if fault is None or not fault.prevents:
        reply = _apply(platform, request)
    if fault is not None and fault.do == "status":
        reply = fault.reply()
    elif fault is not None:
        happen(platform, fault, request, reply)
    unanswered = fault is not None and fault.do in ("drop", "hang")
    platform.seen.append((request.method, request.path, 0 if unanswered else reply.status))
    platform.wake.set()
    return reply, fault


def _apply(platform: EmulatedPlatform, request: Request) -> Reply:
    try:
        route, ids = routes.find(request)
        authorized = platform.tokens.accepts(request.headers.get("authorization", ""))
        if route.access != "open" and not authorized:
            raise ApiError(401, 1201, "Invalid credentials.")
        if route.access == "instance" and request.headers.get("service-crn") != CRN:
            raise ApiError(401, 1200, "You are not authorized to use this instance.")
        document = route.answer(platform, request, *ids)
    except ApiError as error:
        return error.reply()
    except Exception:  # a service goes on after a request that fails
        _log.exception("the emulator failed on %s %s", request.method, request.path)
        return Reply.json(error_body(UNKNOWN, "The emulator failed; see its output."), 500)
    return document if isinstance(document, Reply) else Reply.json(document)
