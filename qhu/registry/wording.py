"""What is said of a value that settings refuse: plain sentences for pydantic's errors."""

from collections.abc import Mapping
from typing import Any

SENTENCES = {
    "missing": "must be given",
    "invalid_key": "keys must be text: quote them",
    "none_required": "must be null",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "multiple_of": "must be a multiple of {multiple_of}",
    "finite_number": "must be a finite number",
    "too_short": "must hold {min_length} entries or more",
    "too_long": "must hold no more entries than {max_length}",
    "string_too_short": "must have {min_length} characters or more",
    "string_too_long": "must have {max_length} characters or fewer",
    "string_pattern_mismatch": "must have the pattern {pattern}",
    "string_not_ascii": "must have no letters but those of ASCII",
    "value_error": "{error}",
    "assertion_error": "{error}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "date_past": "must lie in the past",
    "date_future": "must lie in the future",
    "datetime_past": "must lie in the past",
    "datetime_future": "must lie in the future",
    "timezone_naive": "must be a time without a zone",
    "is_instance_of": "must be of the type {class}",
    "is_subclass_of": "must be a class derived from {class}",
    "no_such_attribute": "has no attribute {attribute}",
    "union_tag_invalid": "{discriminator} must be one of {expected_tags}",
    "union_tag_not_found": "{discriminator} must be given",
    "url_scheme": "must be a URL that begins with {expected_schemes}",
    "url_too_long": "must have {max_length} characters or fewer",
    "bytes_too_short": "must have {min_length} bytes or more",
    "bytes_too_long": "must have {max_length} bytes or fewer",
    "decimal_max_digits": "must have {max_digits} digits or fewer",
    "decimal_max_places": "must have {decimal_places} digits or fewer behind the point",
    "decimal_whole_digits": "must have {whole_digits} digits or fewer before the point",
    "default_factory_not_called": "must be given, because another setting is wrong",
    "frozen_field": "cannot be changed",
    "frozen_instance": "cannot be changed",
    "extra_forbidden": "is no setting: leave it out",
    "unexpected_keyword_argument": "is no argument: leave it out",
    "unexpected_positional_argument": "is no argument: leave it out",
    "multiple_argument_values": "is given twice: give it once",
    "ellipsis_error": "must be ...",
    "missing_sentinel_error": "must be left out",
}
"""By pydantic's type of the error; its context fills the braces."""

KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "bytes": "text",
    "dict": "a mapping of settings, such as {key: value}",
    "frozen_dict": "a mapping of settings, such as {key: value}",
    "ordered_dict": "a mapping of settings, such as {key: value}",
    "counter": "a mapping of settings, such as {key: value}",
    "mapping": "a mapping of settings, such as {key: value}",
    "model": "a mapping of settings, such as {key: value}",
    "dataclass": "a mapping of settings, such as {key: value}",
    "named_tuple": "a list, such as [1, 2]",
    "arguments": "a list, such as [1, 2]",
    "list": "a list, such as [1, 2]",
    "tuple": "a list, such as [1, 2]",
    "set": "a list of numbers or texts",
    "frozen_set": "a list of numbers or texts",
    "deque": "a list, such as [1, 2]",
    "iterable": "a list, such as [1, 2]",
    "iteration": "a list, such as [1, 2]",
    "date": "a date, such as 2026-01-31",
    "time": "a time, such as 12:30",
    "datetime": "a date and a time, such as 2026-01-31T12:30",
    "timezone": "a time with its zone, such as 12:30+02:00",
    "time_delta": "a duration, such as PT30M",
    "url": "a URL, such as https://example.org",
    "uuid": "a UUID",
    "decimal": "a number",
    "fraction": "a fraction, such as 1/3",
    "complex": "a complex number, such as 1+2j",
    "callable": "a function or a class",
    "json": "JSON",
    "missing": "given",
    "recursion": "settings that do not hold themselves",
    "get_attribute": "a value that can be read",
    "needs_python": "a value from Python",
}
"""What is expected where an error's type begins with the word."""


def sentence(kind: str, context: Mapping[str, Any]) -> str:
    """What is wrong with a value.

    Args:
        kind: pydantic's type of the error.
        context: what pydantic says beside it.
    """
    if kind in SENTENCES:
        numbers = {k: f"{v:g}" for k, v in context.items() if isinstance(v, float)}
        return SENTENCES[kind].format_map({**context, **numbers})
    words = kind.split("_")
    beginnings = ("_".join(words[:length]) for length in range(len(words), 0, -1))
    expected = next((KINDS[name] for name in beginnings if name in KINDS), "another value")
    return f"must be {expected}"
