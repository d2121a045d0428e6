"""What an archive takes of a folder: files that qhu wrote, whole, without paths of a machine."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from qhu.errors import UserError
from qhu.publish.traces import without_paths
from qhu.record.documents import parse_document, write_document
from qhu.record.files import checksum
from qhu.record.folder import RECORD, RunFolder, RunRecord
from qhu.report.frames import load_run
from qhu.report.run.page import report_files

SETTINGS, RESULTS = "experiment.yaml", "results.csv"
WRITTEN_AFTER = ("report.html", "methods.md", "methods.tex", "figures", "tables")
"""What a run holds beside the files whose checksums it keeps."""
PAGES = (".html", ".csv", ".json", ".md", ".tex", ".bib")
"""Files of a page about several runs."""


class Packed(NamedTuple):
    """A folder on its way into an archive: its name there, its runs, its files, what stays out."""

    name: str
    records: list[RunRecord]
    files: dict[str, bytes]
    left_out: list[str]


def contents(folder: Path, unfinished: bool) -> Packed:
    """The files of a run, an ablation, a comparison or evidence.

    Args:
        folder: what qhu wrote.
        unfinished: whether runs that are not finished are taken, too.

    Raises:
        UserError: qhu did not write it, a run in it is not finished, or a file is damaged.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: give a folder that qhu wrote")
    visible = sorted(
        file for file in folder.rglob("*") if file.is_file() and _is_visible(file, folder)
    )
    runs = {file.parent for file in visible if file.name == RECORD}
    pages = [file for file in visible if file.suffix == ".html"]
    if not runs and not pages:
        raise UserError(f"{folder} holds no run and no page: give a folder that qhu wrote")
    files, records = dict[str, bytes](), list[RunRecord]()
    for run in sorted(runs):
        record, its_files = _run(run, unfinished)
        records.append(record)
        inside = run.relative_to(folder)
        files |= {(inside / name).as_posix(): content for name, content in its_files.items()}
    for file in visible:
        if not any(run in file.parents for run in runs) and file.suffix in PAGES:
            files[file.relative_to(folder).as_posix()] = file.read_bytes()
    names = (file.relative_to(folder).as_posix() for file in visible)
    return Packed(_name(folder, records), records, files, [n for n in names if n not in files])


def _is_visible(file: Path, folder: Path) -> bool:
    return not any(part.startswith(".") for part in file.relative_to(folder).parts)


def _name(folder: Path, records: list[RunRecord]) -> str:
    """A run by its name, backend and fingerprint, wherever it lies; a page by its folder."""
    if (folder / RECORD).is_file():
        parts = [records[0].name, records[0].backend, records[0].fingerprint]
    else:
        parts = [*dict.fromkeys(record.name for record in records), folder.resolve().name]
    return "-".join("_".join(part.split()) for part in parts)


def _run(folder: Path, unfinished: bool) -> tuple[RunRecord, dict[str, bytes]]:
    """A run's record and its files, each as the record says that it is."""
    run = RunFolder(folder)
    record = run.record()
    assert record is not None  # its file is there
    if record.status != "finished" and not unfinished:
        raise UserError(
            f"{folder} is not finished ({record.status}): run it again first, or give --unfinished"
        )
    files = {name: run.read(name) for name in sorted(record.files)}
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        if name.parts[0] in WRITTEN_AFTER and file.is_file() and _is_visible(file, folder):
            files.setdefault(name.as_posix(), file.read_bytes())
    files[RECORD] = run.read(RECORD)
    if SETTINGS not in files:  # of a run that was stopped
        files[SETTINGS] = run.read(SETTINGS)
    return record, _cut(folder, record, files)


def _cut(folder: Path, record: RunRecord, files: dict[str, bytes]) -> dict[str, bytes]:
    """The files of a run; where settings or record held a path, without it, and the page anew."""
    settings = parse_document(files[SETTINGS], str(folder / SETTINGS))
    document = json.loads(files[RECORD])
    cut: tuple[Any, dict[str, Any]] = without_paths(settings), without_paths(document)
    if cut == (settings, document):
        return files
    text = write_document(cut[0])
    changed = RunRecord.model_validate(cut[1])
    if SETTINGS in record.files:
        changed.files[SETTINGS] = checksum(text.encode())
    noted = {k: v for k, v in cut[1].items() if k not in {*RunRecord.model_fields, "checksum"}}
    with TemporaryDirectory() as place:
        draft = RunFolder(Path(place))
        for name, content in files.items():
            if "/" not in name:
                (draft.path / name).write_bytes(content)
        draft.write_text(SETTINGS, text)
        draft.write(changed, noted)
        if RESULTS in files:
            for name, new in report_files(load_run(draft.path)):
                draft.write_bytes(name, new.encode() if isinstance(new, str) else new)
        kept = {name: draft.path / name for name in files}
        return {name: f.read_bytes() if f.exists() else files[name] for name, f in kept.items()}
