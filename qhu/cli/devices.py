"""Commands about devices: prices, jobs, the account, a rehearsal."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from qhu.cli.options import (
    Budget,
    Emulated,
    File,
    Json,
    LeastSuccess,
    Methods,
    Name,
    Seeds,
    Settings,
    Stages,
    loaded,
    meant,
)
from qhu.cli.program import console, notes, print_document
from qhu.errors import UserError
from qhu.terminal import folded, say

app = typer.Typer()


@app.command()
def plan(
    experiment: File,
    backend: Name = None,
    stages: Stages = None,
    seeds: Seeds = None,
    methods: Methods = None,
    settings: Settings = None,
    emulator: Emulated = None,
    max_qpu_seconds: Budget = None,
    least_success: LeastSuccess = None,
    as_json: Json = False,
) -> None:
    """Say what a run would take on a device; submits nothing."""
    from qhu.commands.rehearsal import reach
    from qhu.grid.run import plan as make_plan

    asked = loaded(meant(experiment), backend, stages, seeds, methods, settings)
    with reach(emulator, max_qpu_seconds, asked.stages, least_success) as access:
        counted = make_plan(asked, notes, access)
    if as_json:
        print_document(counted.document())
        return
    for line in counted.lines():
        say(folded(line), console)


@app.command()
def jobs(
    name: Annotated[
        str | None, typer.Argument(help="tag or job to explain; none: list all")
    ] = None,
    emulator: Emulated = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="look at jobs, keep what ended")] = False,
    give_up: Annotated[
        bool, typer.Option("--give-up", help="submit it anew: the platform lost its job")
    ] = False,
    as_json: Json = False,
) -> None:
    """List, explain and fetch what devices were asked; nothing is submitted."""
    from qhu.commands import jobs as book
    from qhu.commands.rehearsal import reach
    from qhu.hardware.ledger import Ledger

    if as_json and name is not None:
        raise UserError(f"--json is of the list of all: leave it or {name} out")
    if give_up and name is None:
        raise UserError("--give-up needs the tag of what is to be submitted anew: see `qhu jobs`")
    with reach(emulator, None, None) as access:
        ledger = Ledger(access.ledger, thorough=fetch, owner=access.owner)
        if fetch:
            book.fetch(access, ledger, lambda line: console.print(line, markup=False))
        if give_up and name is not None:
            book.give_up(ledger, name)
        if name:
            console.print("\n".join(map(folded, book.explain(ledger, name))), soft_wrap=True)
        elif as_json:
            print_document(book.rows(ledger))
        else:
            sys.stdout.write(
                "\n".join(map(folded, book.lines(ledger))) + "\n"
            )  # quick, however many


@app.command()
def doctor(emulator: Emulated = None, max_qpu_seconds: Budget = None) -> None:
    """Check installation, account, budget and ledger; exit 1 where something is amiss."""
    from qhu.commands.doctor import examine
    from qhu.commands.rehearsal import reach

    with reach(emulator, max_qpu_seconds, None) as access:
        findings = list(examine(access))
    for about, fine, text in findings:
        console.print(folded(f"{'ok ' if fine else 'NO '} {about}: {text}"), soft_wrap=True)
    if not all(finding.fine for finding in findings):
        raise typer.Exit(1)


@app.command()
def emulator(
    device: Annotated[
        list[str] | None, typer.Option(help="device to serve, such as fake_brisbane; repeatable")
    ] = None,
    port: Annotated[int, typer.Option(help="port on 127.0.0.1; 0: a free one")] = 0,
    state: Annotated[
        Path | None, typer.Option(help="folder that keeps jobs over restarts; default: memory")
    ] = None,
    faults: Annotated[Path | None, typer.Option(help="script of faults, YAML or JSON")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("-s", help="rule, such as -s plan=paygo -s pace=0.1")
    ] = None,
) -> None:
    """Serve the IBM Quantum platform on loopback, to rehearse against; Ctrl-C ends it."""
    from qhu.commands.emulator import serve

    serve(device or ["fake_brisbane"], port, state, faults, settings or [], console)
