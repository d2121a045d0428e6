"""What pyproject.toml cannot say: the wheel carries experiments and backends inside the package.

In a clone they lie at its root, to be read and edited; ``qhu/settings/shipped.py`` knows
both places.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildPackage(build_py):
    """The package with the files that lie beside it."""

    def run(self) -> None:
        """Build the package, then copy them into it; an editable install reads them in place."""
        super().run()
        files = [] if self.editable_mode else ["backends.yaml", *Path("experiments").rglob("*.*")]
        for file in map(Path, files):
            target = Path(self.build_lib, "qhu", file)
            self.mkpath(str(target.parent))
            self.copy_file(str(file), str(target))


setup(cmdclass={"build_py": BuildPackage})
