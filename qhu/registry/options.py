"""Options as typed models, and what is said of a value that does not fit."""

import re
from collections.abc import Iterator, KeysView, Mapping, ValuesView
from os import PathLike, fspath
from typing import Any, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticKnownError

from qhu.errors import UnknownName, UserError, brief, nearest, shortened
from qhu.registry.wording import sentence


class Options(BaseModel):
    """Base of every options model: unknown keys are refused, values are frozen."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:
        return plain_values(given)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_as_number(cls, given: Any, info: ValidationInfo) -> Any:
        """Refuse true and false where only numbers are meant: pydantic takes them as 1 and 0."""
        types = set(_types_in(cls.model_fields[info.field_name or ""].annotation))
        if types & {int, float} and not types & {bool, Any} and _holds_truth(given):
            raise PydanticKnownError("int_type" if int in types else "float_type")
        return given


def _types_in(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _types_in(part)


def _holds_truth(given: Any) -> bool:
    parts = given.values() if isinstance(given, Mapping) else given
    inside = isinstance(parts, list | tuple | ValuesView) and any(map(_holds_truth, parts))
    return isinstance(given, bool) or inside


def plain_values(given: Any) -> Any:
    """Settings from Python as a file holds them: NumPy's, pandas' and torch's values as plain ones.

    A path is its text; what is no setting stays what it is.
    """
    if isinstance(given, Mapping):
        return {plain_values(key): plain_values(value) for key, value in given.items()}
    if isinstance(given, set | frozenset):  # whose order differs from one process to the next
        return sorted(map(plain_values, given), key=lambda value: (str(type(value)), value))
    if isinstance(given, list | tuple | range | KeysView | ValuesView | Iterator):
        return [plain_values(value) for value in given]
    if isinstance(given, PathLike):
        return fspath(given)
    if hasattr(
        given, "tolist"
    ):  # of objects, such as a column of arrays, it holds them as they are
        plain = given.tolist()
        return plain_values(plain) if isinstance(plain, list) else plain
    return str(given) if isinstance(given, str) else given


def parse(model: type[Any], given: Any, where: str = "") -> Any:
    """Validate ``given`` as ``model``; the first mistake becomes a one-line :class:`UserError`.

    Args:
        model: the model of the settings.
        given: the settings.
        where: what messages call them; empty: nothing.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _refusal(model, error.errors()[0], where) from None


def _refusal(model: type[BaseModel], error: Any, where: str) -> UserError:
    """One of pydantic's errors in plain words."""
    kind, path, value = error["type"], tuple(error["loc"]), error["input"]
    if path[-1:] == ("[key]",):
        path = path[:-2]
    if kind == "missing" and path and isinstance(path[-1], int):  # of a tuple of so many values
        kind, path = "too_few", path[:-1]
    key = ".".join(shortened(str(part)) for part in path)
    refused: UserError
    if kind == "extra_forbidden":
        allowed = _fields_at(model, path[:-1])
        refused = UnknownName(f"key in {where}" if where else "key", key, allowed)
    else:
        words = "must hold more values" if kind == "too_few" else _sentence(kind, error)
        # A mapping holds what stands in the file: it is named, not repeated.
        hidden = kind == "missing" or isinstance(value, Mapping | BaseModel)
        got = "" if hidden else f" (got {shortened(brief(value), 120)})"
        parts = [part for part in (where, key, f"{shortened(words, 1000)}{got}") if part]
        refused = UserError(": ".join(parts))
    refused.path = path
    return refused


def _sentence(kind: str, error: Any) -> str:
    text, value = sentence(kind, error.get("ctx", {})), error["input"]
    choices = re.findall(r"'([^']*)'", text) if kind in ("literal_error", "enum") else []
    hint = nearest(value, choices) if isinstance(value, str) else ""
    return f"{text}; {hint}" if hint else text


def _fields_at(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """Dotted names of the keys allowed where ``path`` leads inside ``model``."""
    fields: Any = model
    for part in path:
        if get_origin(fields) is dict:
            fields = get_args(fields)[1]
            continue
        field = fields.model_fields.get(part) if hasattr(fields, "model_fields") else None
        if field is None:
            return []
        fields = field.annotation
        if get_origin(fields) is not dict:  # of a model or None
            fields = next((k for k in get_args(fields) if hasattr(k, "model_fields")), fields)
    prefix = ".".join(str(part) for part in path)
    names = getattr(fields, "model_fields", {})
    return [f"{prefix}.{name}" if prefix else name for name in names]
