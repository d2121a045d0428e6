"""The table of faults names tests that exist."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "reliability.md"
NAMED = re.findall(r"^\|.*\| `([\w/]+\.py)(?:::(\w+))?(?:\[.*\])?` \|$", PAGE.read_text(), re.M)


def test_every_row_names_a_test():
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    assert len(NAMED) == len(rows) - 1 > 80


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_a_named_test_exists(file, name):
    assert f"def {name or 'test_'}" in (TESTS / file).read_text()
