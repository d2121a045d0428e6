"""Output that no terminal can refuse, in tables that lose nothing to its width."""

import contextlib
import os
import sys
import textwrap
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Literal, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH = 80
"""Characters of a line; a pipe has as many, and a wider terminal no more."""
GAP = 2


@contextlib.contextmanager
def lenient_output() -> Iterator[None]:
    """Within the block, characters that standard output has not are shown as question marks.

    A script or a locale may give it ASCII or Latin-1, and labels, paths and numbers hold more.
    Where there is no standard output at all, nothing is shown.
    """
    with contextlib.ExitStack() as restored:
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is None:
                opened = restored.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
                setattr(sys, name, opened)
                restored.callback(setattr, sys, name, None)
            elif isinstance(stream, TextIOWrapper):
                restored.callback(stream.reconfigure, errors=stream.errors)
                stream.reconfigure(errors="replace")
        yield


def width_of(console: Console) -> int:
    """Characters that a line of text or of a table may have."""
    return min(console.width, WIDTH)


def folded(line: str) -> str:
    """A line of prose in as many lines as the width asks for; words, such as paths, stay whole."""
    return textwrap.fill(
        line, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def say(line: str, console: Console) -> None:
    """Print a line as it is: no markup, no colours, and no break that it has not."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


class ScreenColumn(NamedTuple):
    """A column of a table on screen.

    Attributes:
        head: what it is called; nothing is written over columns that are all without a head.
        cells: its text, row by row.
        number: whether it stands to the right.
    """

    head: str
    cells: Sequence[str | Text]
    number: bool = True

    @property
    def width(self) -> int:
        """Characters that it takes uncut."""
        return max(Text(self.head).cell_len, *(_text(cell).cell_len for cell in self.cells), 0)


def print_table(first: ScreenColumn, columns: Sequence[ScreenColumn], console: Console) -> None:
    """Print a table that is folded into the width: nothing in it is cut, whatever it holds.

    Columns that have no room beside the others go into a block of rows below; the first column
    begins every block. What is wider than a whole line is broken into several.

    Args:
        first: says what a row is about.
        columns: the others.
        console: where to.
    """
    width = width_of(console)
    for block in _blocks(first, columns, width):
        console.print(_table([first, *block]), width=width)


def _blocks(
    first: ScreenColumn, columns: Sequence[ScreenColumn], width: int
) -> list[list[ScreenColumn]]:
    """The columns in groups, each of which fits into the width beside the first column."""
    blocks: list[list[ScreenColumn]] = [[]]
    left = width - first.width
    for column in columns:
        left -= GAP + column.width
        if left < 0 and blocks[-1]:
            blocks.append([])
            left = width - first.width - GAP - column.width
        blocks[-1].append(column)
    return blocks


def _table(columns: Sequence[ScreenColumn]) -> Table:
    headed = any(column.head for column in columns)
    lines = box.SIMPLE_HEAD if headed else None  # which leaves a character between columns
    table = Table(box=lines, show_header=headed, padding=(0, GAP - headed, 0, 0))
    table.show_edge = table.pad_edge = False
    for column in columns:
        justify: Literal["right", "left"] = "right" if column.number else "left"
        table.add_column(Text(column.head), justify=justify, overflow="fold")
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*map(_text, cells))
    return table


def _text(cell: str | Text) -> Text:
    """Text as it stands: brackets in it are no markup."""
    return cell if isinstance(cell, Text) else Text(cell)
