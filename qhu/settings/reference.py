"""Every setting of an experiment file, read from the models that check it."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from qhu import registry
from qhu.settings.experiment import Experiment
from qhu.settings.model import DEFAULTS
from qhu.settings.sweep import Sweep

Schema = Mapping[str, Any]

KINDS = {"boolean": "true or false", "string": "text", "object": "mapping", "array": "list"}
"""Types of JSON in words, where the word is another."""
BOUNDS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "multipleOf": "a multiple of {}",
    "minItems": "{} or more",
    "minProperties": "{} or more",
    "maxItems": "at most {}",
    "maxProperties": "at most {}",
    "maxLength": "at most {} characters",
    "pattern": "like {}",
}
"""What a JSON Schema says of a value, in words."""
SAME = re.compile(r"(\d+) or more, at most \1\b(?! characters)")


class SettingEntry(NamedTuple):
    """One setting."""

    name: str
    """dotted, as ``-s`` takes it; LABEL stands for a name that the experiment gives"""
    kind: str
    """type in words"""
    default: str
    """as YAML has it; ``required`` where there is none, empty for a section"""
    allowed: str
    """range, or the values to choose from; empty: any of its kind"""
    meaning: str
    """its docstring"""
    of: str = ""
    """registered names that have the option; empty: every experiment has the setting"""


def settings_reference() -> list[SettingEntry]:
    """All settings of an experiment file, options of registered entries among them, in its order.

    An option that several entries have alike is there once.
    """
    sweep = SettingEntry("sweep", "section", "", "", _meaning(Sweep.model_json_schema()))
    return [*entries_of(Experiment), sweep, *entries_of(Sweep, "sweep.")]


def entries_of(model: type[BaseModel], prefix: str = "", of: str = "") -> list[SettingEntry]:
    """Settings of a model, those of the sections within it among them.

    Args:
        model: the model.
        prefix: what stands before its names.
        of: registered name that the model has the options of.
    """
    schema = model.model_json_schema()
    return [entry._replace(of=of or entry.of) for entry in _properties(schema, schema, prefix)]


def options_of(kind: str, prefix: str) -> list[SettingEntry]:
    """Options of all entries of a registry, by its plural, sorted by name."""
    takers: dict[SettingEntry, list[str]] = {}
    names = registry.REGISTRIES[kind]
    for name in names.names():
        for entry in entries_of(names[name].options, prefix):
            takers.setdefault(entry, []).append(name)
    merged = [e._replace(of=_who(by, names.names())) for e, by in takers.items()]
    return sorted(merged, key=lambda entry: (entry.of != "", entry.name, entry.of))


def _who(takers: list[str], names: list[str]) -> str:
    """Those that have an option, or by those that have not, whichever are fewer; empty: all."""
    others = [name for name in names if name not in takers]
    if len(others) < len(takers):
        return f"all but {', '.join(others)}" if others else ""
    return ", ".join(takers)


def _properties(schema: Schema, root: Schema, prefix: str) -> Iterator[SettingEntry]:
    required = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        yield from _setting(f"{prefix}{name}", part, root, name in required)


def _setting(name: str, part: Schema, root: Schema, required: bool) -> Iterator[SettingEntry]:
    section, inner = _section(part, root)
    if "options_of" in part:
        beside = section is not None  # options that are no mapping of their own
        if not beside:
            yield _entry(name, part, root, required)
        yield from options_of(part["options_of"], f"{name.rpartition('.')[0] if beside else name}.")
    elif section is not None and section["title"] == "Chosen":
        yield from _chosen(name, part, root)
    else:
        yield _entry(name, part, root, required)
        if section is not None:
            yield from _properties(section, root, f"{name}{inner}.")


def _chosen(name: str, part: Schema, root: Schema) -> Iterator[SettingEntry]:
    """A part of the network: its registered name, and the options of every such entry."""
    kind = name.rpartition(".")[2]
    names: registry.Registry[Any] = getattr(registry, kind)
    allowed = ", ".join(names.names())
    if isinstance(names, registry.PartRegistry):
        allowed += ", module:Class"
    entry = _entry(name, part, root, False)
    yield entry._replace(
        kind="name, or mapping of name and options",
        default=DEFAULTS.get(kind, "null"),
        allowed=allowed,
    )
    yield from options_of(names.plural, f"{name}.")


def _section(part: Schema, root: Schema) -> tuple[Schema | None, str]:
    """The model within a setting, if any, and the labels on the way to it."""
    if "$ref" in part:
        return root["$defs"][part["$ref"].rpartition("/")[2]], ""
    if isinstance(part.get("additionalProperties"), Mapping):
        section, inner = _section(part["additionalProperties"], root)
        return section, f".LABEL{inner}"
    sections = [_section(option, root) for option in part.get("anyOf", ())]
    return next((both for both in sections if both[0] is not None), (None, ""))


def _entry(name: str, part: Schema, root: Schema, required: bool) -> SettingEntry:
    section, _ = _section(part, root)
    meaning = _meaning(part) or _meaning(section or {})
    default = "" if "$ref" in part and not required else "required"
    if "default" in part and "$ref" not in part:
        default = _plain(part["default"])
    allowed = _allowed(part)
    if "registered" in part:
        allowed = ", ".join(registry.REGISTRIES[part["registered"]].names())
    return SettingEntry(name, _kind(part), default, allowed, meaning)


def _meaning(schema: Schema) -> str:
    """First paragraph of the docstring, on one line."""
    paragraph = schema.get("description", "").split("\n\n")[0]
    return " ".join(paragraph.split()).replace("``", "`")


def _kind(part: Schema) -> str:
    if "anyOf" in part:
        return " or ".join(dict.fromkeys(_kind(option) for option in part["anyOf"]))
    if "$ref" in part:
        return "section"
    if "enum" in part or "const" in part:
        return "choice"
    given: str = part.get("type", "any value")
    word = KINDS.get(given, given)
    inner = [_kind(item) for item in _items(part)]
    return f"{word} of {' or '.join(dict.fromkeys(inner))}" if inner else word


def _items(part: Schema) -> list[Schema]:
    """What a list or a mapping holds."""
    inner = part.get("items") or part.get("additionalProperties")
    return [inner] if isinstance(inner, Mapping) else part.get("prefixItems", [])


def _allowed(part: Schema) -> str:
    if "enum" in part or "const" in part:
        return ", ".join(map(_plain, part.get("enum", [part.get("const")])))
    words = [text.format(_plain(part[key])) for key, text in BOUNDS.items() if key in part]
    each = dict.fromkeys(f"each {_allowed(item)}" for item in _items(part) if _allowed(item))
    inner = map(_allowed, part.get("anyOf", ()))
    return SAME.sub(r"exactly \1", ", ".join(filter(None, [*inner, *words, *each])))


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value if re.search(r"\w", value) else json.dumps(value)
    if isinstance(value, int) and value == 2**63:
        return "2^63"
    return json.dumps(value, ensure_ascii=False)
