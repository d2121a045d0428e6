"""What a value depends on, and the hashes of it.

A stored number is used again only where everything that it came from is the same. The words:
a **digest** is a short hash of JSON content. The **identity** of settings or of a backend is that
content: every option with its value, defaults included, but those that a backend declares
**incidental**, such as a budget. The **content** of a dataset is the digest of its rows;
**foreign** code is what plugins and notebooks bring (:mod:`qhu.record.provenance`); the
**conditions** of a device are what only it can tell, its calibration. A stage's **key** is the
digest of the identities it needs, the content, its parents' keys, code and versions; a run's
**fingerprint** is that of the question alone, so that an edited formula fills the same folder.

Code and packages are found by following imports, never by a list. Numbers depend on what the steps
of a study import and on every module that registers something; the files of a run also on what
writes them. Syntax trees are hashed without comments and docstrings, so that prose computes nothing
again. Not part of a key: the processor, because stores are shared by machines (``run.json`` holds
its vector instructions), and what the packages themselves depend on.
"""

import functools
import importlib.metadata
import sys
from collections.abc import Collection
from typing import Any

from pydantic import BaseModel

from qhu.record.sources import Sources
from qhu.record.sources import digest as digest

NUMBERS = ("qhu.grid.steps",)
"""Where numbers begin: what is computed, and which models train as one stack."""
FILES = (*NUMBERS, "qhu.grid.collect")
"""Where the files of a run begin."""


def identity(settings: BaseModel, incidental: Collection[str] = ()) -> dict[str, Any]:
    """All settings with their values, so that another default is another identity.

    Args:
        settings: validated options.
        incidental: names of those that no value depends on.
    """
    return settings.model_dump(mode="json", exclude=set(incidental))


@functools.cache
def sources() -> Sources:
    """The modules of the qhu that runs."""
    return Sources()


@functools.cache
def numeric() -> list[str]:
    """The modules that numbers come from."""
    return sources().closure(*NUMBERS, *sources().registering())


@functools.cache
def code_digest(*roots: str) -> str:
    """Hash of the code that numbers come from.

    Python counts by its minor version: 3.12, say, adds up floats in another way than 3.11.

    Args:
        roots: modules beside those of :data:`NUMBERS` that what is computed begins with.
    """
    return digest([sys.version_info[:2], sources().digest(*roots, *numeric())])


@functools.cache
def files_digest() -> str:
    """Hash of the code, templates and references that make the files of a run from its stages."""
    return digest([sources().digest(*FILES, *numeric()), sources().data()])


def packages(*roots: str) -> dict[str, str | None]:
    """Versions of the packages that numbers come from; None where one is missing.

    Args:
        roots: modules of qhu whose packages are asked for; those of :data:`NUMBERS` by default.
    """
    return {name: version(name) for name in _imported(*(roots or NUMBERS))}


def version(distribution: str) -> str | None:
    """Version of an installed distribution."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


@functools.cache
def _imported(*roots: str) -> list[str]:
    return sources().packages(*roots, *numeric())
