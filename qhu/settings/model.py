"""Settings of the network: parts by name, with their options."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, SerializationInfo, model_validator

from qhu import registry
from qhu.errors import UnknownName, UserError, brief, inside
from qhu.registry import Chosen, Options, parse

DEFAULTS = {
    "front": "none",
    "encoding": "rotations",
    "ansatz": "rotations_cz",
    "observables": "z",
    "head": "mlp",
}
"""The entry of each part that is chosen where none is named."""
PARTS = (*DEFAULTS, "circuit")


def _part(kind: str) -> Callable[[Any], Any]:
    """Validator of a part: a name, or a name and its options; observables may be a list."""

    def chosen(given: Any) -> Chosen | None:
        if isinstance(given, Chosen) or given is None:
            return given
        settings = _mapping(kind, given)
        name = settings.pop("name")
        with inside("model", kind):
            entry = getattr(registry, kind)[name]
            options = parse(entry.options, settings, f"model.{kind} '{name}'")
        return Chosen(name=name, options=options)

    return chosen


def _mapping(kind: str, given: Any) -> dict[str, Any]:
    """A part as a mapping with its name.

    Raises:
        UserError: it is neither a name nor a mapping with one.
    """
    if kind == "observables" and isinstance(given, list | tuple):
        given = {"name": "paulis", "terms": given}
    if isinstance(given, Chosen):
        given = _dumped(given, exclude_defaults=True)
    if isinstance(given, str):
        given = _circuit(given) if kind == "circuit" else {"name": given}
    default = {"name": DEFAULTS[kind]} if kind in DEFAULTS else {}
    settings = {**default, **given} if isinstance(given, Mapping) else {}
    if kind == "circuit" and settings:
        settings = {"name": "function" if "function" in settings else "file", **settings}
    if not isinstance(settings.get("name"), str):
        raise UserError(
            f"model.{kind}: give a name, or a mapping of name and options (got {brief(given)})"
        )
    return settings


def _circuit(reference: str) -> dict[str, str]:
    """What the short form of a whole circuit is short for."""
    is_function = ":" in reference and Path(reference).suffix not in (".qasm", ".qpy")
    return {"function" if is_function else "path": reference}


def _dumped(chosen: Chosen, exclude_defaults: bool) -> dict[str, Any]:
    options = chosen.options.model_dump(mode="json", exclude_defaults=exclude_defaults)
    return {"name": chosen.name, **options}


def _serialised(chosen: Chosen | None, info: SerializationInfo) -> dict[str, Any] | None:
    return None if chosen is None else _dumped(chosen, bool(info.exclude_defaults))


def _default(kind: str) -> Any:
    return Field(default_factory=lambda: _part(kind)(DEFAULTS[kind]))


_AS_MAPPING = PlainSerializer(_serialised)


class ModelSpec(Options):
    """The hybrid network: classical front, quantum circuit, classical head.

    A part is a registered name, or a mapping of its ``name`` and its options. An option of the
    chosen parts may stand beside them: ``layers: 3`` is short for ``ansatz: {layers: 3}``.
    """

    front: Annotated[Chosen, BeforeValidator(_part("front")), _AS_MAPPING] = _default("front")
    """what turns a sample into features of the encoding; ``none``: nothing does"""
    qubits: int | None = Field(None, ge=1, le=1_000)
    """width of the circuit behind a front; null: as many as the encoding takes for the features"""
    quantum: bool = True
    """false: the classical twin, the same network with the quantum layer left out"""
    encoding: Annotated[Chosen, BeforeValidator(_part("encoding")), _AS_MAPPING] = _default(
        "encoding"
    )
    """how features enter the circuit"""
    ansatz: Annotated[Chosen, BeforeValidator(_part("ansatz")), _AS_MAPPING] = _default("ansatz")
    """the trainable layers of the circuit"""
    circuit: Annotated[Chosen | None, BeforeValidator(_part("circuit")), _AS_MAPPING] = None
    """a circuit of your own in the place of encoding and ansatz: ``FILE.qasm``, ``FILE.qpy`` or
    ``module:function``, or a mapping with ``inputs`` and ``weights`` beside; one without inputs
    stands in the place of the ansatz alone"""
    observables: Annotated[Chosen, BeforeValidator(_part("observables")), _AS_MAPPING] = _default(
        "observables"
    )
    """what is measured, one output each; a list of Pauli strings is short for ``paulis``"""
    head: Annotated[Chosen, BeforeValidator(_part("head")), _AS_MAPPING] = _default("head")
    """what turns expectation values into logits"""

    @property
    def parts(self) -> dict[str, Chosen]:
        """What the network is made of; without a quantum layer, that leaves out the circuit."""
        kinds = PARTS if self.quantum else ("front", "head")
        chosen = {kind: getattr(self, kind) for kind in kinds}
        return {kind: part for kind, part in chosen.items() if part is not None}

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, given: Any) -> Any:
        return expanded(given) if isinstance(given, Mapping) else given

    @model_validator(mode="after")
    def _width(self) -> "ModelSpec":
        if (self.front.name == "none") != (self.qubits is None):
            raise ValueError("give qubits with a front, and only then")
        for kind in self.replaced:
            if getattr(self, kind) != _part(kind)(DEFAULTS[kind]):
                raise ValueError(f"the circuit stands in the place of {kind}: leave {kind} out")
        return self

    @property
    def replaced(self) -> tuple[str, ...]:
        """Parts in whose place a whole circuit stands: one without inputs leaves the encoding."""
        if self.circuit is None:
            return ()
        return replaced_by(self.circuit)


def replaced_by(circuit: Any) -> tuple[str, ...]:
    """Parts in whose place a whole circuit stands, given as in settings."""
    options: Any = _part("circuit")(circuit).options
    return ("encoding", "ansatz") if options.parted[0] else ("ansatz",)


def expanded(given: Mapping[str, Any], replace: bool = False) -> dict[str, Any]:
    """Settings of a model with every option in its part.

    Args:
        given: settings of a model, short forms among them.
        replace: a short form replaces what its part says; otherwise the two must agree.

    Raises:
        UserError: no chosen part, or more than one, has an option of that name.
    """
    settings = {key: value for key, value in given.items() if key in ModelSpec.model_fields}
    short = {key: value for key, value in given.items() if key not in settings}
    chosen = DEFAULTS | {kind: settings[kind] for kind in PARTS if settings.get(kind) is not None}
    parts = {kind: _mapping(kind, part) for kind, part in chosen.items()}
    given_parts = (kind for kind in parts if settings.get(kind) is not None)
    settings |= {kind: parts[kind] for kind in given_parts}  # whose options overrides then reach
    for key, value in short.items():
        kind = _taker(str(key), parts)
        if not replace and key in parts[kind] and parts[kind][key] != value:
            raise UserError(f"model.{key} is short for model.{kind}.{key}: give one of the two")
        parts[kind][key] = value
        settings[kind] = parts[kind]
    return settings


def _taker(key: str, parts: Mapping[str, Mapping[str, Any]]) -> str:
    """The one part whose chosen entry has an option."""
    entries = {kind: getattr(registry, kind)[part["name"]] for kind, part in parts.items()}
    takers = [kind for kind, entry in entries.items() if key in entry.options.model_fields]
    if len(takers) > 1:
        both = " and ".join(f"model.{kind}.{key}" for kind in takers)
        raise UserError(f"model.{key} may mean {both}: write the one that you mean")
    if takers:
        return takers[0]
    lacking = []
    for kind in parts:
        names = getattr(registry, kind)
        has = [name for name in names.names() if key in names[name].options.model_fields]
        if has:
            lacking.append(
                f"the {kind} '{parts[kind]['name']}' has no such option "
                f"({', '.join(has)} {'has' if len(has) == 1 else 'have'})"
            )
    if lacking:
        raise UserError(f"model.{key}: {'; '.join(lacking)}: leave it out")
    options = [option for entry in entries.values() for option in entry.options.model_fields]
    allowed = [f"model.{name}" for name in (*ModelSpec.model_fields, *options)]
    raise UnknownName("key in model", f"model.{key}", allowed)
