"""What there is of a kind, explained."""

from collections.abc import Callable, Mapping
from typing import Any

from qhu.errors import UnknownName


def explained(kind: str) -> list[dict[str, Any]]:
    """Name, ``summary`` and what else there is to say of each, in order.

    Args:
        kind: plural, such as ``methods``.

    Raises:
        UnknownName: there is no such kind.
    """
    from qhu.registry import REGISTRIES  # not for who asks for settings that need no registry

    listings: Mapping[str, Callable[[], list[dict[str, Any]]]] = {
        "settings": _settings,
        "backends": _backends,
        "experiments": _experiments,
        "trackers": _trackers,
    }
    if kind in listings:
        return listings[kind]()
    if kind not in REGISTRIES:
        raise UnknownName("kind of name", kind, [*REGISTRIES, *listings])
    entries = REGISTRIES[kind]
    return [{"name": name, "summary": entries[name].summary} for name in entries.names()]


def _backends() -> list[dict[str, Any]]:
    from qhu.backends.named import known_backends

    return [{"name": name, "summary": text} for name, text in known_backends().items()]


def _experiments() -> list[dict[str, Any]]:
    from qhu.settings.shipped import summaries

    return [{"name": name, "summary": text} for name, text in summaries().items()]


def _trackers() -> list[dict[str, Any]]:
    from qhu.trackers import tracker

    return [{"name": name, "summary": tracker[name].summary} for name in tracker.names()]


def _settings() -> list[dict[str, Any]]:
    from qhu.settings.reference import settings_reference

    lines = []
    for entry in settings_reference():
        of = f"of {entry.of}" if entry.of else ""
        default = (
            f"default {entry.default}" if entry.default not in ("", "required") else entry.default
        )
        about = "; ".join(filter(None, (of, entry.kind, entry.allowed, default)))
        lines.append({**entry._asdict(), "summary": f"{entry.meaning} ({about})".strip()})
    return lines
