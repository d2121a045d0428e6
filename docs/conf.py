"""Sphinx settings of the docs site: ``make docs``."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from illustrate import prepare
from pages import complete

project = "qhu"
html_title = "qhu"
html_theme = "qiskit-ecosystem"
html_show_copyright = False
extensions = ["myst_parser", "qiskit_sphinx_theme"]
exclude_patterns = ["_build", "generated", "examples", "example-plugin"]
myst_heading_anchors = 3
myst_links_external_new_tab = False


def setup(app: Any) -> None:
    """Pages get their examples, sources and outputs while they are read."""
    prepare()
    app.connect("source-read", complete)
