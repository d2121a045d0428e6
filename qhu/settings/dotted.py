"""Nested settings as their leaves."""

from collections.abc import Iterator, Mapping
from typing import Any

Keys = tuple[str, ...]


def leaves(settings: Mapping[str, Any], above: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    """Every value that holds no other by the keys that lead to it; an empty mapping is one."""
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*above, key))
        else:
            yield (*above, key), value
