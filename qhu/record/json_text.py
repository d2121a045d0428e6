"""JSON as every program reads it: NaN and infinities, which JSON has not, are null."""

import json
import math
from collections.abc import Mapping
from typing import Any


def json_text(value: Any, **options: Any) -> str:
    """A value as JSON.

    Args:
        value: mappings, lists, texts and numbers; a float that is not finite is written as null.
        options: as for :func:`json.dumps`.
    """
    return json.dumps(finite(value), allow_nan=False, **options)


def finite(value: Any) -> Any:
    """The value as JSON holds it: floats that are not finite become None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return value


def as_float(value: float | None) -> float:
    """A number that was read from JSON, NaN for null."""
    return math.nan if value is None else float(value)
