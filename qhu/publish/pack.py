"""The command ``qhu pack``: folders that qhu wrote as one archive, the same bytes every time."""

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from qhu.errors import UserError, shortened
from qhu.publish.about import About, about_files
from qhu.publish.contents import Packed, contents
from qhu.publish.traces import traces
from qhu.record.files import checksum, replacing
from qhu.terminal import say

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first date that a ZIP file can hold, of every file."""
SUMS = "SHA256SUMS"


def pack(
    folders: Sequence[Path],
    out: Path | None,
    console: Console,
    about: About,
    unfinished: bool = False,
    names: bool = False,
) -> Path:
    """Write an archive that others can check, read and render again.

    Args:
        folders: run folders, or those of an ablation, a comparison or evidence.
        out: the file; None: named after the first folder's run, in the working folder.
        console: where the outcome is shown.
        about: what is said of it.
        unfinished: take runs that are not finished, too.
        names: let names of the user and the machine stand.

    Returns:
        The file.

    Raises:
        UserError: a folder is none of these, a run is not finished, a file is damaged or tells what
            it may not, or the file is there with other content.
    """
    packed = [contents(folder, unfinished) for folder in folders]
    files = _files(packed, about)
    for name, content in files.items():
        if trace := next(traces(content, not names), ""):
            hint = "; --names lets names stand" if trace.startswith("the name") else ""
            raise UserError(f"{name} tells {trace}: nothing is packed{hint}")
    target = out or Path(f"{packed[0].name}.zip")
    if target.suffix != ".zip" or target.is_dir():
        raise UserError(f"--out {target} must be a file that ends in .zip")
    content = _zipped(files)
    if target.exists() and target.read_bytes() != content:
        raise UserError(f"{target} is there with other content: remove it, or choose another --out")
    with replacing(target) as partial:
        partial.write_bytes(content)
    for line in _outcome(target, files, packed, about):
        say(line, console)
    return target


def _files(packed: Sequence[Packed], about: About) -> dict[str, bytes]:
    """Every file of the archive by its name, the checksums of all others last."""
    files = about_files(about, packed)
    for folder in packed:
        if any(name.startswith(f"{folder.name}/") for name in files):
            raise UserError(f"{folder.name} is given twice: give it once")
        files |= {f"{folder.name}/{name}": content for name, content in folder.files.items()}
    sums = "".join(f"{checksum(files[name])}  {name}\n" for name in sorted(files))
    return {**files, SUMS: sums.encode()}


def _zipped(files: Mapping[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            entry.external_attr = 0o100644 << 16
            target.writestr(entry, files[name], compresslevel=9)
    return archive.getvalue()


def _outcome(
    target: Path, files: Mapping[str, bytes], packed: Sequence[Packed], about: About
) -> Iterator[str]:
    for folder in packed:
        if folder.left_out:
            listed = shortened(", ".join(folder.left_out), 300)
            yield f"left out of {folder.name}, not written by qhu: {listed}"
    if not about.creators:
        yield "no creators yet: give --creator 'Family, Given', or name them when you upload"
    yield f"licence of these files: {about.licence} (--licence)"
    yield f"packed: {target}, {len(files)} files, {target.stat().st_size / 1e6:.1f} MB"
