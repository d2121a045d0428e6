"""YAML as plain values: bounded, and only what has one reading.

YAML 1.1 and 1.2 read some plain words differently (``no``, ``1_000``, ``010``, ``1:30``, a date):
such a word is refused until it is quoted or written out, and so is a key that stands twice.
"""

import contextlib
import copy
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from qhu.errors import UserError, shortened

MAX_BYTES, MAX_VALUES, MAX_DEPTH = 2_000_000, 200_000, 50
"""Of one document, with aliases written out."""
MAX_INTEGER = 2**63
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **{s + w: float(s + "inf") for s in ("", "+", "-") for w in (".inf", ".Inf", ".INF")},
}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_OCTAL = re.compile(r"[-+]?0o?[0-9]+")
"""1.1 writes ``010``, 1.2 ``0o10``, and each reads the other's otherwise."""
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_TEXT = "tag:yaml.org,2002:str"


def read_document(path: Path, called: str = "") -> Any:
    """The value in a YAML file.

    Args:
        path: the file.
        called: what messages call it; empty: its path.

    Raises:
        UserError: the file is missing, too large, not YAML (with the line), or can be read in two
            ways.
    """
    called = called or str(path)
    return parse_document(read_bounded(path, MAX_BYTES, called), called)


def read_bounded(path: Path, limit: int, called: str = "") -> bytes:
    """The content of a file.

    Args:
        path: the file.
        limit: bytes that it may have.
        called: what messages call it; empty: its path.

    Raises:
        UserError: it cannot be read, or is longer.
    """
    called = shortened(called or str(path), 300)
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot read {called}: {reason}") from None
    if len(content) > limit:
        raise UserError(f"{called} is longer than {limit:,} bytes: is it the right file?")
    return content


def decoded(content: bytes, called: str) -> str:
    """Bytes of a file as text, without a byte order mark.

    Raises:
        UserError: they are not UTF-8; the message has the line and the byte.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{shortened(called, 300)}: line {line} holds the byte 0x{content[error.start]:02x} "
            f"(byte {error.start} of the file), which is not UTF-8: save it as UTF-8"
        ) from None


def parse_document(content: str | bytes, where: str) -> Any:
    """The value that a YAML document describes.

    Args:
        content: text, or bytes in UTF-8.
        where: where it stands, for messages.

    Raises:
        UserError: it is not YAML (with the line), too large, or can be read in two ways.
    """
    try:
        text = decoded(content, where) if isinstance(content, bytes) else content
        if len(text) > MAX_BYTES:
            raise UserError(f"{where} is longer than {MAX_BYTES:,} characters")
        return _Builder(yaml.parse(text, Loader=_PARSER), where).document()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "a character that YAML has not"
        raise UserError(f"{where}{line}: not valid YAML ({problem}); mend the YAML") from None


def line_of(path: Path, keys: Sequence[str | int]) -> int | None:
    """The line of a file where a setting stands; of one that is left out, that of what lacks it.

    Args:
        path: a file that :func:`read_document` reads.
        keys: those that lead to the setting, some of which a short form leaves out.
    """
    node = yaml.compose(decoded(path.read_bytes(), str(path)), Loader=_PARSER)
    line = None
    for key in keys:
        if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            line = node.start_mark.line + 1
        entries = node.value if isinstance(node, yaml.MappingNode) else []
        for name, value in entries:
            if name.value == str(key):
                node, line = value, name.start_mark.line + 1
    return line


def write_document(value: Any) -> str:
    """A value as YAML that :func:`parse_document` reads as the same value."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Builder:
    """Plain values from the events of a parser, counted as they come."""

    def __init__(self, events: Iterator[yaml.Event], where: str) -> None:
        self._events, self._where = events, where
        self._anchors: dict[str, tuple[Any, int]] = {}  # value, and how many values it holds
        self._count = 0

    def document(self) -> Any:
        """The only document there is."""
        value, documents = None, 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._refusal(event, "a second document begins; keep one")
                value = self._value(next(self._events), 0)
        return value

    def _value(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self._count
        self._add(event, 1)
        if depth > MAX_DEPTH:
            raise self._refusal(event, f"nested more than {MAX_DEPTH} deep; write it flatter")
        if event.tag is not None and event.tag not in ("!", _TEXT):
            raise self._refusal(event, f"the tag {shortened(event.tag)} is not read; drop it")
        if isinstance(event, yaml.SequenceStartEvent):
            value: Any = list(self._items(yaml.SequenceEndEvent, depth))
        elif isinstance(event, yaml.MappingStartEvent):
            value = self._mapping(depth)
        else:
            value = self._scalar(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = value, self._count - before
        return value

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise self._refusal(event, f"*{shortened(event.anchor)} stands for nothing before it")
        value, size = self._anchors[event.anchor]
        self._add(event, size)
        return copy.deepcopy(value)  # an override of one place leaves the other as it is

    def _items(self, end: type[yaml.Event], depth: int) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield self._value(event, depth + 1)

    def _mapping(self, depth: int) -> dict[Any, Any]:
        mapping: dict[Any, Any] = {}
        texts: set[str] = set()
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._value(event, depth + 1)
            if isinstance(key, list | dict):
                raise self._refusal(event, "a key is a list or a mapping; make it a word")
            if str(key) in texts or key in mapping:
                raise self._refusal(event, f"the key {shortened(str(key))} stands twice; keep one")
            texts.add(str(key))
            mapping[key] = self._value(next(self._events), depth + 1)
        return mapping

    def _scalar(self, event: Any) -> Any:
        text = event.value
        if _UNPRINTABLE.search(text):
            raise self._refusal(event, "the text holds a character that cannot be printed")
        if event.style or event.tag:  # quoted, a block, or !!str
            return text
        with contextlib.suppress(ValueError):
            return plain(text)
        raise self._refusal(
            event,
            f"'{shortened(text)}' can be read in two ways, or as no number of its size: quote it "
            "if it is text; else write true, false or plain digits",
        )

    def _add(self, event: Any, values: int) -> None:
        self._count += values
        if self._count > MAX_VALUES:
            raise self._refusal(event, f"more than {MAX_VALUES:,} values, aliases written out")

    def _refusal(self, event: Any, problem: str) -> UserError:
        return UserError(f"{self._where}, line {event.start_mark.line + 1}: {problem}")


def plain(text: str) -> Any:
    """The value of an unquoted word.

    Raises:
        ValueError: YAML 1.1 and 1.2 read it differently, or no finite number holds it.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _OCTAL.fullmatch(text):
        raise ValueError(text)
    if _INTEGER.fullmatch(text):
        number = int(text, 16 if "x" in text else 10)
        if not -MAX_INTEGER <= number < MAX_INTEGER:
            raise ValueError(text)
        return number
    if _FLOAT.fullmatch(text):
        value = float(text)
        if not math.isfinite(value):
            raise ValueError(text)
        return value
    resolvers = yaml.SafeLoader.yaml_implicit_resolvers.get(text[:1], ())
    if any(pattern.match(text) for _, pattern in resolvers):  # those of 1.1
        raise ValueError(text)
    return text


class _Dumper(yaml.SafeDumper):
    """Quotes every text that would be read as something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text_node(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    try:
        quoted = plain(text) != text
    except ValueError:
        quoted = True
    return dumper.represent_scalar(_TEXT, text, style="'" if quoted else None)


_Dumper.add_representer(str, _text_node)
