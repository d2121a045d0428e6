"""How the client's service is opened: with all that it would else look for, and what refuses it."""

from typing import Any

from qhu.errors import UserError
from qhu.hardware.credentials import Credentials
from qhu.hardware.redirects import on_platform
from qhu.hardware.waiting import status

PASSING = {408, 425, 429}
"""HTTP statuses below 500 that say nothing of the key."""


def arguments(account: Credentials, emulator: str | None) -> dict[str, Any]:
    """All that the client would else look for in variables and files.

    Args:
        account: whose.
        emulator: address of an emulator, None for the platform.
    """
    where: dict[str, Any] = {"url_resolver": on_platform()}
    if emulator is not None:
        base = f"{emulator}/api/v1"
        where = {"url": base, "url_resolver": lambda *_: base}
    return {
        "channel": account.channel,
        "token": account.token,
        "instance": account.instance or "auto",
        **account.preferences,
        **where,
    }


def is_refusal(error: Exception) -> bool:
    """Whether a service that did not open refuses the key or the instance, or only failed.

    Args:
        error: of the client; an HTTP answer, or the lack of one, is its ``__cause__``.
    """
    if error.__cause__ is None:
        return True
    code = status(error.__cause__)
    return code is not None and 400 <= code < 500 and code not in PASSING


def check_one_instance(service: Any, account: Credentials) -> None:
    """Refuse a name that several instances have.

    Raises:
        UserError: the client would take any of them.
    """
    name = account.instance
    if name is None or name.startswith("crn:"):
        return
    crns = [item["crn"] for item in service.instances() if item["name"] == name]
    if len(crns) > 1:
        raise UserError(
            f"several instances are called '{name}': give the CRN of one ({', '.join(crns)})"
        )
