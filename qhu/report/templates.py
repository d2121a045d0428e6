"""From a template and values to a page that opens offline."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from qhu.report.statistics import MIN_SEEDS

HERE = Path(__file__).parent


def fill(template: str, **values: Any) -> str:
    """A page from a template of this folder; text in ``values`` is escaped."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css = Markup((HERE / "report.css").read_text(encoding="utf-8"))
    return environment.get_template(template).render(css=css, min_seeds=MIN_SEEDS, **values)
