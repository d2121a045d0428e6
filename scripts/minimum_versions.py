"""Print the oldest versions that pyproject.toml allows, one requirement per line, for pip.

python scripts/minimum_versions.py > minimum.txt
"""

import re
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
BOUNDED = re.compile(r"(?P<name>[\w.-]+(\[[\w,.-]+\])?)>=(?P<version>[\w.]+)(,<[\w.]+)?")


def minimum(requirement: str) -> str:
    """``name==version`` of a requirement such as ``name>=version,<other``.

    Raises:
        ValueError: the requirement has no lower bound, or says more than this can read.
    """
    parts = BOUNDED.fullmatch(requirement)
    if parts is None:
        raise ValueError(f"'{requirement}' must look like name>=version or name>=version,<version")
    return f"{parts['name']}=={parts['version']}"


def main() -> None:
    """Print the dependencies of the package, without its extras."""
    dependencies = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]
    print("\n".join(map(minimum, dependencies)))


if __name__ == "__main__":
    main()
