"""Rehearse with the oldest and the newest IBM client that pyproject.toml allows.

python scripts/rehearse_clients.py [oldest|newest]

Each is installed beside the environment, into a folder that comes first in the path, and the
tests of everything that talks to the platform run with it.
"""

import os
import subprocess
import sys
import tomllib

from minimum_versions import PYPROJECT, minimum

CLIENT = "qiskit-ibm-runtime"
TESTS = ["tests/hardware/test_probe.py", "tests/hardware/test_faults.py", "tests/emulator"]


def requirements() -> dict[str, str]:
    """What is to be installed, by name."""
    dependencies = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]
    (client,) = (line for line in dependencies if line.startswith(CLIENT))
    return {"oldest": minimum(client), "newest": client}


def rehearse(name: str, requirement: str) -> int:
    """Install a client and run the tests with it; their exit code."""
    folder = PYPROJECT.parent / ".venv" / "clients" / name
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # What it depends on is installed: by constraints.txt, newer than any of its lower bounds.
    installed = subprocess.run([*pip, "--upgrade", "--no-deps", "--target", folder, requirement])
    if installed.returncode:
        return installed.returncode
    environment = os.environ | {"PYTHONPATH": str(folder)}
    told = "import qiskit_ibm_runtime as c; print(f'{c.__version__} from {c.__file__}')"
    subprocess.run([sys.executable, "-c", told], env=environment, check=True)
    tests = [sys.executable, "-m", "pytest", "-q", "-n", "2", *TESTS]
    return subprocess.run(tests, env=environment, cwd=PYPROJECT.parent).returncode


def main() -> int:
    """Rehearse with what is asked for, both by default."""
    asked = requirements()
    names = sys.argv[1:] or list(asked)
    return max(rehearse(name, asked[name]) for name in names)


if __name__ == "__main__":
    sys.exit(main())
