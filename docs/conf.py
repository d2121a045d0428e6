"""Sphinx settings of the docs site: ``make docs``."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import reference
from illustrate import prepare
from pages import complete, keep_pages

project = "qhu"
html_title = "qhu"
html_theme = "qiskit-ecosystem"
html_show_copyright = False
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
extensions = ["myst_nb", "qiskit_sphinx_theme", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "generated/[!_]*", "notebooks/*/*", "examples", "example-plugin"]
nb_execution_mode = "force"  # a cache would not know that qhu has changed; its store does
nb_execution_raise_on_error = True
nb_execution_timeout = 300  # seconds per cell
nb_merge_streams = True
autodoc_member_order = "bysource"
napoleon_use_ivar = True  # the fields of a named tuple are members, too: each is shown once
napoleon_use_rtype = False  # what stands before a colon in "Returns:" is prose, too
python_maximum_signature_line_length = 100
suppress_warnings = ["ref.python"]  # a short name in an annotation that two modules define
toc_object_entries = False
myst_heading_anchors = 3
myst_links_external_new_tab = False


def setup(app: Any) -> None:
    """Pages get their examples, sources and outputs while they are read."""
    prepare()
    reference.write()
    app.connect("source-read", complete)
    app.connect("build-finished", keep_pages)
    app.connect("autodoc-process-docstring", reference.plain, priority=400)  # napoleon: 500
