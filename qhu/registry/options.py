"""Options as typed models, and what is said of a value that does not fit."""

from collections.abc import Iterator, KeysView, Mapping, ValuesView
from os import PathLike, fspath
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from qhu.errors import UnknownName, UserError, brief, shortened


class Options(BaseModel):
    """Base of every options model: unknown keys are refused, values are frozen."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:
        return plain_values(given)


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


def parse(model: type[Any], given: Any, where: str) -> Any:
    """Validate ``given`` as ``model``; the first mistake becomes a one-line :class:`UserError`."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        place = first["loc"][:-2] if first["loc"][-1:] == ("[key]",) else first["loc"]
        key = ".".join(shortened(str(part)) for part in place)
        if first["type"] == "extra_forbidden":
            allowed = _fields_at(model, first["loc"][:-1])
            raise UnknownName(f"key in {where}", key, allowed) from None
        message = shortened(first["msg"].removeprefix("Value error, "), 1000)
        value = "" if first["type"] == "missing" else f" (got {brief(first['input'])})"
        raise UserError(f"{where}: {key + ': ' if key else ''}{message}{value}") from None


def _fields_at(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """Dotted names of the keys allowed where ``path`` leads inside ``model``."""
    fields: Any = model
    for part in path:
        field = fields.model_fields.get(part) if hasattr(fields, "model_fields") else None
        if field is None:
            return []
        others = (kind for kind in get_args(field.annotation) if hasattr(kind, "model_fields"))
        fields = next(others, field.annotation)  # of a model or None
    prefix = ".".join(str(part) for part in path)
    names = getattr(fields, "model_fields", {})
    return [f"{prefix}.{name}" if prefix else name for name in names]
