"""Which runs a receipt can vouch for: those whose numbers come from qhu and from files it names."""

from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from qhu.record.receipt import checksums
from qhu.registry import REGISTRIES
from qhu.settings.experiment import Experiment

CACHED = "full"
"""The option of datasets that are downloaded, into a cache that no setting names."""


def inputs(experiment: Experiment) -> dict[str, str] | None:
    """Checksums of the files that a run of an experiment reads, by path.

    None where no receipt can vouch for it: code of the user's own or of plugins has a part in it,
    which may change without notice, or a device, or data that are downloaded.
    """
    from qhu.backends.named import device_of

    groups = (f"qhu.{plural}" for plural in REGISTRIES)
    texts = list(_texts(experiment.model_dump(mode="json")))
    paths = [text for text in texts if _is_path(text)]
    if (
        any(entry_points(group=group) for group in groups)
        or any(":" in text for text in texts if text not in paths)
        or experiment.data.options.get(CACHED)
        or any(device_of(name) for name in experiment.stages.model_dump().values())
    ):
        return None
    files = (file for path in paths for file in _files(Path(path)))
    return checksums(map(str, files))


def _is_path(text: str) -> bool:
    """Whether there is such a file or folder."""
    try:
        return text != "" and Path(text).exists()
    except (OSError, ValueError):  # longer than any path, or with a zero in it
        return False


def _files(path: Path) -> Iterator[Path]:
    """The file, or those in the folder."""
    if path.is_dir():
        yield from (file for file in sorted(path.iterdir()) if file.is_file())
    else:
        yield path


def _texts(value: Any) -> Iterator[str]:
    """Every text in settings, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
