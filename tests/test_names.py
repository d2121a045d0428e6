"""Names say what a thing is, and no two things of qhu have one name."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import qhu

SOURCE = Path(qhu.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
EMPTY = {"found", "known", "one", "said", "some", "tell", "told"}
"""Words that say of a thing only that somebody has it."""
SHARED = {"Options"}
"""What every file of a method calls its class of options."""


def bindings(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that the code gives to something of its own, and its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name, node.lineno
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, node.lineno
            case ast.ClassDef(name=name) | ast.arg(arg=name) | ast.alias(asname=str(name)):
                yield name, node.lineno
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                yield name, node.lineno
            case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                yield name, node.lineno


def empty_names(code: str) -> list[tuple[str, int]]:
    """Bindings by words that say nothing, whatever their case and underscores."""
    return [
        (name, line) for name, line in bindings(ast.parse(code)) if name.strip("_").lower() in EMPTY
    ]


def test_names_say_what_a_thing_is():
    empty = [
        f"{file.relative_to(SOURCE.parent)}:{line} {name}"
        for file in FILES
        for name, line in empty_names(file.read_text())
    ]
    assert not empty


@pytest.mark.parametrize(
    "code",
    [
        "found = 1",
        "found: int = 1",
        "a, *found = b",
        "(found := 1)",
        "self.found = 1",
        "[found for found in a]",
        "for found in a: pass",
        "with a as found: pass",
        "lambda found: 1",
        "def f(a, *, found): pass",
        "def f(*found): pass",
        "def f(**found): pass",
        "def found(): pass",
        "async def found(): pass",
        "class Found: pass",
        "class A:\n    found: int",
        "import a as found",
        "from a import b as found",
        "try: pass\nexcept A as found: pass",
        "match a:\n    case found: pass",
        "match a:\n    case [*found]: pass",
        "match a:\n    case {**found}: pass",
        "_found = 1",
        "FOUND = 1",
    ],
)
def test_every_way_to_bind_a_name_is_seen(code):
    assert empty_names(code)


@pytest.mark.parametrize("code", ["print(found)", "a.found()", "f(found=1)", "found_rows = 1"])
def test_a_use_of_another_s_name_is_no_binding(code):
    assert not empty_names(code)


def test_no_two_modules_define_a_class_of_one_name():
    places = defaultdict(set)
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef):
                places[node.name].add(str(file.relative_to(SOURCE.parent)))
    assert {n: p for n, p in places.items() if len(p) > 1 and n not in SHARED} == {}
