"""The reference: every docstring of the code, a page per package, made anew by each build."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from typing import Any

import qhu

FOLDER = Path(__file__).parent / "generated" / "_reference"
"""The only pages of the site among what the build makes."""
LITERAL = re.compile(r"(``.+?``)|[*|]")
"""Code as it stands, or a character that would begin emphasis or a substitution."""


def write() -> None:
    """Write the page of every package; the modules beside the packages share the page ``qhu``."""
    FOLDER.mkdir(exist_ok=True)
    for package, modules in packages().items():
        parts = [f"# {package}", *map(_module, modules)]
        (FOLDER / f"{package}.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def packages() -> dict[str, list[str]]:
    """Modules by package, all with a docstring."""
    pages: dict[str, list[str]] = {"qhu": []}
    for module in pkgutil.walk_packages(qhu.__path__, "qhu."):
        if importlib.import_module(module.name).__doc__:
            parts = module.name.split(".")
            page = module.name if module.ispkg else ".".join(parts[:-1])
            pages.setdefault(".".join(page.split(".")[:2]), []).append(module.name)
    return pages


def public() -> str:
    """What ``import qhu`` offers, and the pages of the packages."""
    names = [f"qhu.{module}.{name}" for module, names in qhu.HOME.items() for name in names]
    listed = "\n".join(f"/generated/_reference/{package}" for package in packages())
    toctree = f"```{{toctree}}\n:caption: Packages\n:maxdepth: 1\n\n{listed}\n```"
    return "\n\n".join([*map(_object, sorted(names, key=_last)), "## Packages", toctree])


def plain(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Autodoc's ``autodoc-process-docstring``, ahead of napoleon: formulas are no markup.

    Napoleon takes the words before a colon in an attribute's first line for its type: that line is
    made one that prints nothing.
    """
    lines[:] = [LITERAL.sub(lambda part: part[1] or f"\\{part[0]}", line) for line in lines]
    if what in ("attribute", "property", "data"):
        lines.insert(0, "\\ ")


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _object(name: str) -> str:
    thing = getattr(importlib.import_module(name.rpartition(".")[0]), _last(name))
    routine = "function" if inspect.isroutine(thing) else "data"
    kind = "class" if inspect.isclass(thing) else routine
    options = ["   :no-index:", *(["   :members:"] if kind == "class" else [])]
    return "\n".join([f"## qhu.{_last(name)}", "", *_rst(f"auto{kind}:: {name}", options)])


def _module(name: str) -> str:
    return "\n".join([f"## {name}", "", *_rst(f"automodule:: {name}", ["   :members:"])])


def _rst(directive: str, options: list[str]) -> list[str]:
    return ["```{eval-rst}", f".. {directive}", *options, "```"]
