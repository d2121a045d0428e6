"""The user's own data: one .npz file or a table as text."""

from pathlib import Path
from typing import Literal

from pydantic import field_validator

from qhu.data.arrays import from_arrays
from qhu.data.base import Dataset
from qhu.data.columns import dataset as from_table
from qhu.data.delimited import SEPARATORS, read_delimited
from qhu.data.npz import read_npz
from qhu.errors import UserError
from qhu.registry import Options, dataset
from qhu.settings.parts import Label

TABLES = (".csv", ".data", ".tsv", ".txt")


class FileOptions(Options):
    """Options of a data file."""

    path: str
    """``.npz`` with the arrays ``X`` (N, features) or (N, height, width) and ``y`` (N,), and maybe
    ``classes``, names by the numbers in ``y``, and ``features``, names of the columns; or a table
    as text, ``.csv``, ``.data``, ``.tsv`` or ``.txt``, with one row per sample"""
    label: Label | None = None
    """column of the label, by its name, or by its number from 0; null: see the rules"""
    drop: tuple[Label, ...] | None = None
    """columns that are no features, by name or number; null: an index; ``[]``: none"""
    separator: str | None = None
    """what stands between cells: a character, ``tab``, or ``space`` for one or more; null: what
    splits all lines alike"""
    header: bool | None = None
    """whether the first line names the columns; null: see the rules"""
    decimal: Literal[".", ","] | None = None
    """mark of decimals; null: what the cells allow"""

    @field_validator("separator")
    @classmethod
    def _character(cls, given: str | None) -> str | None:
        character = {name: c for c, name in SEPARATORS.items()}.get(given or "", given)
        if character is not None and (
            len(character) != 1 or character in '"\n\r.-+' or character.isalnum()
        ):
            raise ValueError("give one character, such as ';', or tab, or space")
        return character


@dataset("file")
def file(options: FileOptions) -> Dataset:
    """Your own .npz (X, y) or table, such as .csv; short form `source: file:PATH`."""
    path = Path(options.path)
    ending = path.suffix.lower()
    if ending not in (".npz", *TABLES):
        raise UserError(f"{path}: data files end in .npz or {', '.join(TABLES)}")
    try:
        if ending == ".npz":
            return _from_npz(path, options)
        table = read_delimited(path, options.separator, options.header, options.decimal)
        return from_table(table, options.label, options.drop)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None


def _from_npz(path: Path, options: FileOptions) -> Dataset:
    given = options.model_dump(exclude={"path"}, exclude_none=True)
    if given:
        raise UserError(f"{path}: {', '.join(given)} is for tables; an .npz file holds X and y")
    arrays = read_npz(path)
    if missing := {"x", "y"} - arrays.keys():
        raise UserError(f"{path} lacks the array {min(missing)}: save it with X=… and y=…")
    texts = {name: arrays[name].tolist() for name in arrays.keys() - {"x", "y"}}
    return from_arrays(str(path), arrays["x"], arrays["y"], **texts)
