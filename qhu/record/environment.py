"""What the numbers were computed with: versions, machine, commit, code."""

import os
import platform
import subprocess
from typing import Any

import numpy as np

from qhu.record.identity import FILES, code_digest, files_digest, packages, version
from qhu.record.sources import PACKAGE


def made_by() -> dict[str, Any]:
    """What decides the files of a run beside its question and its data: code and versions.

    ``code`` is what numbers come from, ``files`` what writes files from stored numbers.
    """
    return {
        "python": platform.python_version(),
        "packages": {"qhu": version("qhu"), **packages(*FILES)},
        "code": code_digest(),
        "files": files_digest(),
    }


def environment() -> dict[str, Any]:
    """Versions, machine and commit, JSON-serialisable; nothing that names a person or a path."""
    return {
        **made_by(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "vectors": _vectors(),
        **_commit(),
    }


def _vectors() -> str | None:
    """The processor's widest vector instructions, as NumPy names them; None if it names none.

    Others add up in another order, and training amplifies last bits.
    """
    extensions = np.show_config(mode="dicts").get("SIMD Extensions", {})  # without what is empty
    names = [*extensions.get("baseline", ()), *extensions.get("found", ())]
    return names[-1] if names else None


def _commit() -> dict[str, Any]:
    """Commit of the checkout that the package is part of, and whether it has been changed since."""
    git = ["git", "-C", str(PACKAGE), "--no-optional-locks"]
    # An environment within another project's checkout lies there, but is no part of it.
    own = ["ls-files", "--error-unmatch", "__init__.py"]
    try:
        tracked = subprocess.run([*git, *own], capture_output=True)
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, encoding="utf-8")
        changed = subprocess.run([*git, "status", "--porcelain", "."], capture_output=True)
    except FileNotFoundError:  # no git on this machine
        return {"commit": None, "dirty": None}
    if tracked.returncode or head.returncode:
        return {"commit": None, "dirty": None}
    return {"commit": head.stdout.strip(), "dirty": bool(changed.stdout.strip())}
