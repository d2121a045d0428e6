"""The source files of a package, what they say and what they import, found without running them."""

import ast
import functools
import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]
REGISTRY = "qhu.registry"


def digest(content: Any) -> str:
    """Short stable hash of JSON-serialisable content."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return short_hash(text.encode())


def top_level(module: str) -> str:
    """The top-level package or module that a dotted name lies in."""
    return module.partition(".")[0]


def short_hash(content: bytes) -> str:
    """The first 16 hexadecimal digits of SHA-256."""
    return hashlib.sha256(content).hexdigest()[:16]


@dataclass(frozen=True)
class Module:
    """What a source file says.

    Attributes:
        digest: hash of its syntax tree, without comments and docstrings.
        imports: dotted names that running it may import; some are names inside a module.
        registers: whether it puts something into one of qhu's registries.
    """

    digest: str
    imports: frozenset[str]
    registers: bool

    @classmethod
    def read(cls, path: Path, package: str) -> "Module":
        """Parse a file.

        Args:
            path: the file.
            package: dotted name of the package it lies in, which relative imports start from.

        Raises:
            SyntaxError: it is not Python of this version.
        """
        tree = ast.parse(path.read_bytes())
        imports = frozenset(_imports(tree, package))
        registers = _registers(tree)
        for node in ast.walk(tree):
            if isinstance(body := getattr(node, "body", None), list):
                body[:] = [part for part in body if not _is_prose(part)]
        return cls(short_hash(ast.dump(tree).encode()), imports, registers)


class Sources:
    """The modules of qhu, or of a copy of it, and what they import.

    Args:
        package: the package's folder, called ``qhu``.
    """

    def __init__(self, package: Path = PACKAGE) -> None:
        self.package = package
        self.files = {_dotted(file, package): file for file in sorted(package.rglob("*.py"))}
        self._read: dict[str, Module] = {}

    def __getitem__(self, name: str) -> Module:
        """The module called ``name``."""
        if name not in self._read:
            file = self.files[name]
            within = name if file.name == "__init__.py" else name.rpartition(".")[0]
            self._read[name] = Module.read(file, within)
        return self._read[name]

    def registering(self) -> list[str]:
        """Modules that put something into a registry: whatever is registered may be asked for."""
        mention = {k for k, file in self.files.items() if b"registry" in file.read_bytes()}
        return [name for name in self.files if name in mention and self[name].registers]

    def closure(self, *roots: str) -> list[str]:
        """The given modules and all of qhu's own that they import, directly or not, sorted."""
        reached, todo = set[str](), [name for root in roots for name in self._modules(root)]
        while todo:
            name = todo.pop()
            if name not in reached:
                reached.add(name)
                todo += [m for dotted in self[name].imports for m in self._modules(dotted)]
        return sorted(reached)

    def digest(self, *roots: str) -> str:
        """Hash of the code that the given modules run."""
        return digest({name: self[name].digest for name in self.closure(*roots)})

    def packages(self, *roots: str) -> list[str]:
        """Distributions of other projects that the given modules import, sorted."""
        imported = {dotted for name in self.closure(*roots) for dotted in self[name].imports}
        outside = {top_level(dotted) for dotted in imported} - sys.stdlib_module_names
        outside.discard(self.package.name)
        return sorted({name for top in outside for name in distributions().get(top, [top])})

    def data(self) -> dict[str, str]:
        """Hashes of the files of the package that are no code, such as templates, by path."""
        return {
            str(file.relative_to(self.package)): short_hash(file.read_bytes())
            for file in beside(self.package)
            if file.suffix != ".py"
        }

    def _modules(self, dotted: str) -> Iterator[str]:
        """The modules that an import of a name runs: packages on the way, and maybe itself."""
        parts = dotted.split(".")
        names = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
        return (name for name in names if name in self.files)


@functools.cache
def distributions() -> dict[str, list[str]]:
    """Names of the installed distributions by the top-level module that they provide."""
    provided = importlib.metadata.packages_distributions()
    return {module: sorted(set(names)) for module, names in provided.items()}


def beside(folder: Path) -> list[Path]:
    """All files below a folder but hidden and compiled ones, sorted."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return [file for file in files if not any(map(_is_hidden, file.relative_to(folder).parts))]


def _is_hidden(part: str) -> bool:
    return part.startswith(".") or part == "__pycache__"


def _dotted(file: Path, package: Path) -> str:
    parts = file.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _is_prose(statement: ast.stmt) -> bool:
    """A string that stands alone: the docstring of a module, class, function or attribute."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    """Names that are imported anywhere in the file, but by type checkers alone."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: -node.level + 1 or None] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            todo += node.orelse
        else:
            todo += ast.iter_child_nodes(node)


def _registers(tree: ast.Module) -> bool:
    """Whether a definition of the file is decorated by a name of the registry's module."""
    registry = {REGISTRY.rpartition(".")[2]}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == REGISTRY:
            registry |= {alias.asname or alias.name for alias in node.names}
    definitions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    decorators = (ast.unparse(call) for node in definitions for call in node.decorator_list)
    return any(decorator.split("(")[0].split(".")[0] in registry for decorator in decorators)
