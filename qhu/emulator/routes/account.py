"""Tokens, instances, plans and usage: where a client starts."""

import math
import time
from typing import Any
from urllib.parse import parse_qs

from qhu.emulator.http import UNKNOWN, ApiError, Reply, Request, routes
from qhu.emulator.platform import CRN, EmulatedPlatform, iso
from qhu.emulator.tokens import API_KEY

_PLANS = {"open": ("Open", "free"), "paygo": ("Pay-As-You-Go", "paygo")}
_PERIOD = 28 * 86400


@routes("POST", "/identity/token", "open")
def token(platform: EmulatedPlatform, request: Request) -> Any:
    """A bearer token for the API key."""
    keys = parse_qs(request.body.decode(errors="replace")).get("apikey")
    if keys != [API_KEY]:
        refusal = {
            "errorCode": "BXNIM0415E",
            "errorMessage": "Provided API key could not be found.",
        }
        return Reply.json(refusal, 400)
    return platform.tokens.issue()


@routes("POST", "/v3/resources/search", "token")
def search(platform: EmulatedPlatform, request: Request) -> Any:
    """The instances of the account: one."""
    instance = {
        "crn": CRN,
        "name": "emulated",
        "service_plan_unique_id": platform.rules.plan,
        "tags": [],
        "doc": {"extensions": {"emulated": True}},
    }
    return {"items": [instance], "limit": 100}


@routes("GET", "/catalog/api/v1/{}", "token")
def plan(platform: EmulatedPlatform, request: Request, name: str) -> Any:
    """What a plan is called and how it is paid."""
    if name not in _PLANS:
        raise ApiError(404, UNKNOWN, f"There is no plan {name}.")
    title, pricing = _PLANS[name]
    return {
        "id": name,
        "overview_ui": {"en": {"display_name": title}},
        "metadata": {"pricing": {"type": pricing}},
    }


@routes("GET", "/instances/usage")
def usage(platform: EmulatedPlatform, request: Request) -> Any:
    """Quantum time of the instance, in whole seconds."""
    now, limit = time.time(), platform.rules.limit
    resource = {
        "instance_id": CRN,
        "plan_id": platform.rules.plan,
        "usage_consumed_seconds": math.ceil(platform.consumed()),
        "usage_limit_reached": platform.limit_reached(),
        "usage_period": {"start_time": iso(now - _PERIOD), "end_time": iso(now)},
    }
    return resource if limit is None else {**resource, "usage_limit_seconds": math.floor(limit)}
