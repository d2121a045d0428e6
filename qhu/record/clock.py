"""The time that records bear."""

from datetime import UTC, datetime


def now() -> str:
    """Current time, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
