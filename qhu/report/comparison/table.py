"""What a comparison shows on screen."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from qhu.report.comparison.sections import Pair


def print_comparison(pairs: Sequence[Pair], out: Path, console: Console) -> None:
    """Print the sentences of every pair of runs, its verdicts last, and where the page lies."""
    for pair in pairs:
        console.print(Text.assemble((pair.labels[1], "bold"), f" minus {pair.labels[0]}"))
        for scenario, reading in [
            ("", pair.reading),
            *((s.scenario, s.reading) for s in pair.scenes),
        ]:
            if scenario:
                console.print(scenario, style="cyan", markup=False)
            for statement in reading:
                console.print(f"  {statement.topic} {statement.text}", markup=False)
    for pair in pairs:
        answer = f"{pair.labels[1]} beside {pair.labels[0]}: {pair.verdicts.sentence}"
        console.print(Text(answer, style="bold"))
        console.print(Text(pair.verdicts.details))
    console.print(f"report: {out / 'compare.html'}", soft_wrap=True, markup=False)
