"""Keys, instances, channels and addresses as they are written down: whole, or refused."""

import os
import re

from qhu.errors import UserError

PLATFORM = "https://cloud.ibm.com"
"""The address that the client derives all others from."""
CHANNELS = ("ibm_quantum_platform", "ibm_cloud")
"""Names of the platform; both mean the same."""
GONE = "ibm_quantum"
"""The channel of a platform that is no more; its accounts may still lie in the file."""
_KEY = re.compile(r"[!-~]+")
_FIELDS, _LOCATION = 10, 5
"""A CRN has ten fields between colons (IBM Cloud docs, "Cloud Resource Names")."""


def variable(name: str) -> str | None:
    """Value of a variable of the environment, None where it is not set.

    Raises:
        UserError: it is set to nothing, or to something between blanks, line ends or quotes.
    """
    value = os.environ.get(name)
    if value is None:
        return None
    if not value.strip():
        raise UserError(f"{name} is set but empty: unset it, or set it to a value")
    return _clean(value, name)


def check_key(token: str, where: str) -> None:
    """Refuse what cannot be a key.

    Raises:
        UserError: it is empty, or has characters that no key has.
    """
    whole = _KEY.fullmatch(_clean(token, where))
    if not whole or token.startswith("{") or token.endswith("}"):
        raise UserError(f"{where} holds no API key: it is empty or has characters that no key has")


def check_instance(instance: str, where: str) -> None:
    """Refuse what cannot name an instance.

    Raises:
        UserError: a CRN that is cut or damaged, or an empty or unclean name.
    """
    fields = _clean(instance, where).split(":")
    if not instance:
        raise UserError(f"{where} is empty: give the name or the CRN of an instance")
    if fields[0].lower() != "crn":
        return
    location = fields[_LOCATION] if len(fields) > _LOCATION else ""
    if len(fields) != _FIELDS or fields[0] != "crn" or not re.fullmatch(r"[a-z0-9-]+", location):
        raise UserError(
            f"{where} is no CRN, which has {_FIELDS} fields between colons "
            f"(crn:v1:bluemix:public:quantum-computing:us-east:a/…:…::): '{instance}'"
        )


def check_channel(channel: str, where: str) -> None:
    """Refuse a channel that is not the platform's.

    Raises:
        UserError: it is none of :data:`CHANNELS`.
    """
    if channel not in CHANNELS:
        retired = " is retired" if channel == GONE else ""
        raise UserError(f"{where}: channel '{channel}'{retired}: it must be {CHANNELS[0]}")


def check_url(url: str | None, where: str) -> None:
    """Refuse an address that is not the platform's.

    Raises:
        UserError: the client, and with it the account's key, would go elsewhere.
    """
    if url is not None and url.rstrip("/") != PLATFORM:
        raise UserError(
            f"{where} redirects the IBM client: unset it, or ask for the emulator with --emulator"
        )


def _clean(value: str, where: str) -> str:
    """The value, if nothing is around or in it that came from writing it down.

    Raises:
        UserError: blanks, line ends or quotes around it, or control characters within.
    """
    bare = value.strip().strip("\"'")
    if value != bare or any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        raise UserError(f"{where} has blanks, line ends or quotes around its value: take them away")
    return value
