"""Dotted settings such as ``model.layers=3`` that come after those of a file."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qhu.errors import UserError, shortened
from qhu.record.documents import parse_document
from qhu.settings.model import expanded, replaced_by


class Override(str):
    """An override, and how it was given.

    Args:
        text: ``key.sub=value``, the value in YAML.
        given: what messages call it; empty: ``-s`` and the text.
    """

    given: str

    def __new__(cls, text: str, given: str = "") -> "Override":
        """Text that knows where it comes from."""
        made = super().__new__(cls, text)
        made.given = given or f"-s {shortened(text)}"
        return made

    @property
    def path(self) -> list[str]:
        """The keys that lead to the setting."""
        return self.partition("=")[0].split(".")

    def holds(self, other: "Override") -> bool:
        """Whether another one sets a part of what this one sets."""
        return len(other.path) > len(self.path) and other.path[: len(self.path)] == self.path


def as_override(text: str) -> Override:
    """An override, whether it says where it comes from or is plain text."""
    return text if isinstance(text, Override) else Override(text)


def applied(given: Mapping[str, Any], overrides: Sequence[Override]) -> dict[str, Any]:
    """Settings with overrides, one after another; short forms of the model written out.

    Raises:
        UserError: one is no ``key.sub=value``, or goes through what holds a value.
    """
    settings = copy.deepcopy(dict(given))
    _expand(settings)
    for override in overrides:
        _apply(settings, override)
        _expand(settings, replace=True)
        if override.path[:2] == ["model", "circuit"]:
            _displace(settings["model"])
    return settings


def refuse_replaced(given: Mapping[str, Any], overrides: Sequence[Override]) -> None:
    """Refuse an override that a later one takes back: it would be accepted and not used.

    Raises:
        UserError: naming both.
    """
    final = applied(given, overrides)
    for number, override in enumerate(overrides):
        later = overrides[number + 1 :]
        if _in_effect(final, override) or any(map(override.holds, later)):
            continue
        if applied(given, [*overrides[:number], *later]) == final:
            reached = range(number + 2, len(overrides) + 1)
            states = (applied(given, overrides[:end]) for end in reached)
            ends = (_in_effect(state, override) for state in states)
            taker = next(
                other for other, in_effect in zip(later, ends, strict=True) if not in_effect
            )
            raise UserError(
                f"{override.given} has no effect, because {taker.given} comes after it: give one "
                "of the two"
            )


def _in_effect(settings: Mapping[str, Any], override: Override) -> bool:
    """Whether settings are as an override wants them."""
    try:
        return applied(settings, [override]) == settings
    except UserError:  # there is no place for it any more
        return False


def to_blame(
    overrides: Sequence[Override], fails: Callable[[Sequence[Override]], bool]
) -> list[Override]:
    """The fewest overrides with which a mistake is still made; none: it is made without them.

    Args:
        overrides: those with which it is made.
        fails: whether it is made with some of them.
    """
    left = list(overrides)
    for override in overrides:
        without = [other for other in left if other is not override]
        if fails(without):
            left = without
    return left


def by_label(names: Any) -> Any:
    """A list of names as a mapping from them to nothing, other settings as they are.

    Raises:
        UserError: it holds what is no name, or one twice.
    """
    if not isinstance(names, list):
        return names
    for number, name in enumerate(names):
        if not isinstance(name, str):
            raise UserError(
                "methods: a list holds names alone: map labels to options, such as "
                "methods: {finetune: {lr: 0.01}}"
            )
        if name in names[:number]:
            raise UserError(f"methods: '{shortened(name)}' stands twice: drop one")
    return dict.fromkeys(names)


def _expand(settings: dict[str, Any], replace: bool = False) -> None:
    """Short forms of the model become what they are short for, which overrides then reach."""
    if isinstance(settings.get("model"), Mapping):
        settings["model"] = expanded(settings["model"], replace)


def _displace(model: dict[str, Any]) -> None:
    """A circuit that is asked for takes the place of what the file asks for there."""
    for kind in replaced_by(model["circuit"]) if model["circuit"] else ():
        model.pop(kind, None)


def _apply(settings: dict[str, Any], override: Override) -> None:
    dotted, equals, text = override.partition("=")
    if not equals or not dotted:
        raise UserError("an override must look like key.sub=value")
    *path, last = override.path
    node: Any = settings
    for number, key in enumerate(path):
        value = node.get(key)
        if path[:1] == ["methods"] and not number:
            value = by_label(value)
        node[key] = {} if value is None else value
        node = node[key]
        if not isinstance(node, dict):
            raise UserError(f"'{shortened(key)}' holds a value, not settings")
    node[last] = parse_document(text, override.given)
