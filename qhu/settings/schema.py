"""The experiment file as a JSON Schema, by which editors complete and check it."""

import copy
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from qhu import registry
from qhu.registry import PartRegistry
from qhu.settings.experiment import Experiment
from qhu.settings.kinds import Shorthand
from qhu.settings.model import DEFAULTS, PARTS
from qhu.settings.sweep import Sweep

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
REQUIRED = ("name", "scenarios", "methods")
"""Sections of an experiment that has no base to take them from."""
SEEDS = r"^\s*\d+(-\d+)?\s*(,\s*\d+(-\d+)?\s*)*$"


def experiment_schema() -> Schema:
    """The schema, of draft 2020-12: of experiments, with a sweep or without.

    It is derived from the models that check the files: what it refuses they refuse, but not all
    that they refuse does it, such as what depends on the data.
    """
    schema: Schema = copy.deepcopy(Experiment.model_json_schema())
    sweep: Schema = Sweep.model_json_schema()
    definitions, settings = schema["$defs"], schema["properties"]
    definitions["Sweep"] = {key: part for key, part in sweep.items() if key != "$defs"}
    vary = definitions["Sweep"]["properties"]["vary"]
    vary["additionalProperties"] = {
        "anyOf": [vary["additionalProperties"], {"type": "array", "minItems": 2}]
    }
    reference = definitions["Sweep"]["properties"]["reference"]
    reference["anyOf"].append({"type": "number"})
    for kind in _subclasses(Shorthand):
        if kind.__name__ in definitions:
            definitions[kind.__name__] = _shorthand(definitions[kind.__name__])
    definitions["ModelSpec"] = _model(definitions["ModelSpec"])
    definitions.pop("Chosen")
    settings["sweep"] = {"$ref": "#/$defs/Sweep"}
    settings["methods"] = _methods(settings["methods"], definitions.pop("MethodSpec"), definitions)
    settings["seeds"] = _or(settings["seeds"], {"type": "integer", "minimum": 0}, _text(SEEDS))
    schema.pop("required")
    either = [{"required": list(REQUIRED)}, {"required": ["name", "sweep"]}]
    return {"$schema": DIALECT, **_named(schema), "title": "experiment of qhu", "anyOf": either}


def _subclasses(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for below in kind.__subclasses__():
        yield below
        yield from _subclasses(below)


def _or(schema: Schema, *others: Schema) -> Schema:
    """What fits a schema or one of the others, under its description."""
    about: Schema = {key: schema[key] for key in ("description", "default") if key in schema}
    rest = {key: part for key, part in schema.items() if key not in about}
    return {**about, "anyOf": [rest, *others]}


def _text(pattern: str) -> Schema:
    return {"type": "string", "pattern": pattern}


def _shorthand(schema: Schema) -> Schema:
    """A bare value stands for the first of the settings."""
    first = next(iter(schema["properties"].values()))
    return _or(schema, {key: part for key, part in first.items() if key != "default"})


def _options(kind: Any, name: str) -> Schema:
    """Options of a registered entry, for they are mappings of the entry's own."""
    schema: Schema = kind[name].options.model_json_schema()
    return _inlined(schema, schema.pop("$defs", {}))


def _inlined(part: Any, definitions: Schema) -> Any:
    """A schema that refers to nothing: options lie too deep for definitions of their own."""
    if isinstance(part, list):
        return [_inlined(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        whole = definitions[part["$ref"].rpartition("/")[2]]
        part = {**whole, **{key: value for key, value in part.items() if key != "$ref"}}
    return {key: _inlined(value, definitions) for key, value in part.items()}


def _methods(section: Schema, spec: Schema, definitions: Schema) -> Schema:
    """A list of names, or by label the options of the method that is called so, or is named."""
    names = registry.method.names()
    about = spec["properties"]["method"]["description"]
    for name in names:
        options = _options(registry.method, name)
        method = {"const": name, "description": about}
        options["properties"] = {"method": method, **options.get("properties", {})}
        definitions[f"method {name}"] = options
    labelled = [{**_reference(f"method {name}"), "required": ["method"]} for name in names]
    definitions["labelled method"] = {"anyOf": labelled}
    either = [{"type": "null"}, _reference("labelled method")]
    own = {name: {"anyOf": [_reference(f"method {name}"), *either]} for name in names}
    others = _reference("labelled method")
    by_label = {**section, "properties": own, "additionalProperties": others}
    return _or(by_label, {"type": "array", "items": {"enum": names}, "minItems": 1})


def _reference(name: str) -> Schema:
    return {"$ref": f"#/$defs/{quote(name)}"}


def _model(section: Schema) -> Schema:
    """Parts by name, with options, or in short; options of parts beside them."""
    settings = section["properties"]
    beside: dict[str, list[Schema]] = {}
    for kind in PARTS:
        entries = getattr(registry, kind)
        mappings = []
        for name in entries.names():
            options = _options(entries, name)
            for key, part in options.get("properties", {}).items():
                if part not in beside.setdefault(key, []):
                    beside[key].append(part)
            required = [] if name == DEFAULTS.get(kind) or kind == "circuit" else ["name"]
            options["properties"] = {"name": {"const": name}, **options.get("properties", {})}
            mappings.append({**options, "required": [*required, *options.get("required", ())]})
        about = settings[kind].get("description", "")
        settings[kind] = {"description": about, "anyOf": [*_short(kind, entries), *mappings]}
    short = {key: {"anyOf": parts} for key, parts in beside.items() if key not in settings}
    return {**section, "properties": {**settings, **short}}


def _short(kind: str, entries: Any) -> list[Schema]:
    """How a part is given without options."""
    if kind == "circuit":
        return [{"type": "string"}, {"type": "null"}]
    forms: list[Schema] = [{"enum": entries.names()}]
    if isinstance(entries, PartRegistry):  # a class of the user's own
        mapping = {"type": "object", "properties": {"name": _text(":")}, "required": ["name"]}
        forms += [_text(":"), mapping]
    if kind == "observables":
        forms.append({"type": "array", "items": {"type": "string"}, "minItems": 1})
    return forms


def _named(part: Any) -> Any:
    """A schema that offers registered names where a setting is one."""
    if isinstance(part, list):
        return [_named(item) for item in part]
    if not isinstance(part, dict):
        return part
    kept = {k: _named(v) for k, v in part.items() if k not in ("registered", "options_of")}
    kind = part.get("registered")
    if isinstance(kind, str) and part.get("type") == "array":
        kept["items"] = {"enum": registry.REGISTRIES[kind].names()}
    elif kind == "datasets":
        names = registry.dataset.names()
        kept["anyOf"] = [{"enum": names}, _text(f"^({'|'.join(map(re.escape, names))}):.")]
    return kept
