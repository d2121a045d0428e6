"""The picture of a result, on the first page of the site and in README: python docs/picture.py.

It is a figure of the Iris study's report: run this again when reports draw it in another way.
"""

import re
from pathlib import Path

import illustrate

PICTURE = Path(__file__).parent / "_static" / "iris.svg"
STUDY = "experiments/iris.yaml -s 'scenarios={class: {label: setosa}}'"
FIGURE = "class-strip-*.svg"
"""Every seed of every method, beside the oracle."""
SIZE = re.compile(r'<svg [^>]*?viewBox="0 0 ([\d.]+) ([\d.]+)"[^>]*>')


def make(study: str = STUDY, picture: Path = PICTURE) -> None:
    """Run the study, and keep the figure on paper of its own, for readers in the dark.

    Args:
        study: what ``qhu run`` is given.
        picture: the file to write.
    """
    illustrate.prepare()
    illustrate.shell(f"qhu run {study} --out picture")
    (figure,) = (illustrate.FOLDER / "picture" / "figures").glob(FIGURE)
    picture.write_text(grounded(figure.read_text(encoding="utf-8")), encoding="utf-8")


def grounded(svg: str) -> str:
    """The figure with a white ground below all of it."""
    return SIZE.sub(r'\g<0><rect width="\1" height="\2" fill="#ffffff"/>', svg, count=1)


if __name__ == "__main__":
    make()
