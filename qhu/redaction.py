"""Keys that this process has read, kept out of whatever it prints."""

import re
from urllib.parse import quote

_KEYS: set[str] = set()
_BEARER = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*")
"""A signed token (RFC 7519), as the identity service gives one for a key."""


def keep_secret(key: str) -> None:
    """Remember a key that must never be shown, as it is or as a part of an address."""
    _KEYS.update({key, quote(key), quote(key, safe="")} - {""})


def redact(text: str) -> str:
    """The text with every key, and every token that was got for one, replaced by ``…``."""
    for key in sorted(_KEYS, key=len, reverse=True):  # one key may be part of another
        text = text.replace(key, "…")
    return _BEARER.sub("…", text)
