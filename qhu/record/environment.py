"""What the numbers were computed with: versions, machine, commit, code."""

import functools
import hashlib
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

PACKAGE = Path(__file__).parents[1]
PACKAGES: dict[str, tuple[str, ...]] = {
    "qhu": (),
    "qiskit": ("javadiabhari2024qiskit",),
    "qiskit-machine-learning": ("sahin2025qiskit",),
    "qiskit-aer": (),
    "qiskit-ibm-runtime": (),
    "torch": ("paszke2019pytorch",),
    "numpy": ("harris2020array",),
    "scipy": ("virtanen2020scipy",),
    "scikit-learn": ("pedregosa2011scikit",),
}
"""Whose versions are recorded, and what to cite for them."""
# What can change a number; commands, grid and reports cannot.
NUMERIC = ("data", "model", "engine", "backends", "unlearn", "evaluate")
NUMERIC_FILES = ("pipeline.py", "training.py", "selection.py", "seeding.py")


@functools.cache
def code_digest() -> str:
    """Hash of the source that numbers come from, so that no result outlives its code."""
    files = [PACKAGE / name for name in NUMERIC_FILES]
    files += [file for part in NUMERIC for file in sorted((PACKAGE / part).glob("*.py"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def environment() -> dict[str, Any]:
    """Versions, machine and commit, JSON-serialisable; nothing that names a person or a path."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "vectors": _vectors(),
        "packages": packages(),
        "code": code_digest(),
        **_commit(),
    }


def packages() -> dict[str, str | None]:
    """Versions of the packages that numbers come from; None where one is not installed."""
    return {name: _version(name) for name in PACKAGES}


def _vectors() -> str | None:
    """The processor's widest vector instructions, as NumPy names them; None if it names none.

    Others add up in another order, and training amplifies last bits.
    """
    known = np.show_config(mode="dicts").get("SIMD Extensions", {})  # without what is empty
    names = [*known.get("baseline", ()), *known.get("found", ())]
    return names[-1] if names else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> dict[str, Any]:
    """Commit of the checkout that the package is part of, and whether it has been changed since."""
    git = ["git", "-C", str(PACKAGE), "--no-optional-locks"]
    # An environment within another project's checkout lies there, but is no part of it.
    own = ["ls-files", "--error-unmatch", "__init__.py"]
    try:
        tracked = subprocess.run([*git, *own], capture_output=True)
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True)
        changed = subprocess.run([*git, "status", "--porcelain", "."], capture_output=True)
    except FileNotFoundError:  # no git on this machine
        return {"commit": None, "dirty": None}
    if tracked.returncode or head.returncode:
        return {"commit": None, "dirty": None}
    return {"commit": head.stdout.strip(), "dirty": bool(changed.stdout.strip())}
