"""An experiment of one's own: a commented file, and the schema that editors check it by."""

from pathlib import Path

from qhu.errors import UserError
from qhu.record.files import replacing
from qhu.record.json_text import json_text
from qhu.record.naming import check_name
from qhu.settings.schema import experiment_schema
from qhu.settings.shipped import experiments

SCHEMA = Path("qhu.schema.json")
"""Beside the experiments that name it."""
BEGINNING = """\
# yaml-language-server: $schema={schema}
# Run it by `qhu run {name}.yaml`. What is left out has its default: `qhu list settings` has all.
name: {name}
data:
  source: iris                  # `qhu list datasets`; a file of your own: file:table.csv
  # test: 0.2                   # share of the rows held out for testing
model:
  encoding: rotations           # `qhu list encodings`; also ansatze, fronts, heads, observables
  ansatz: {{name: rotations_cz, layers: 2}}
  angle: 0.5                    # a feature's whole range turns by half a circle
training: {{epochs: 60, lr: 0.01}}
unlearning: {{steps: 40, lr: 0.01}}
scenarios:                      # what is to be forgotten, by a label of your own
  subset: {{fraction: 0.1}}
  class: {{label: 0}}
methods:                        # `qhu list methods`; none and retrain are always there
  finetune:
  scrub: {{alpha: 0.5}}
seeds: 0-4                      # differences are claimed from five seeds on
# stages: {{evaluate: fake_brisbane}}  # noise of a device; `qhu list backends`
"""


def begin(name: str, folder: Path = Path()) -> tuple[Path, Path]:
    """Write ``NAME.yaml`` and the schema beside it; their paths.

    Args:
        name: of the experiment.
        folder: where to.

    Raises:
        UserError: it is no name, ships with qhu, or the file is there.
    """
    try:
        check_name(name)
    except ValueError as error:
        raise UserError(f"'{name}' may not be an experiment's name: {error}") from None
    if Path(name).suffix in (".yaml", ".yml"):
        raise UserError(f"give the name alone, such as {Path(name).stem}: the file is NAME.yaml")
    if name in experiments():
        raise UserError(f"{name} ships with qhu: choose another name, or see `qhu show {name}`")
    file, schema = folder / f"{name}.yaml", folder / SCHEMA
    if file.exists():
        raise UserError(f"{file} is there already: choose another name")
    write_schema(schema)
    with replacing(file) as partial:
        partial.write_text(BEGINNING.format(name=name, schema=SCHEMA), encoding="utf-8")
    return file, schema


def write_schema(file: Path) -> None:
    """Write the schema of experiments, in the place of an earlier one."""
    with replacing(file) as partial:
        partial.write_text(schema_text(), encoding="utf-8")


def schema_text() -> str:
    """The schema of experiments as text."""
    return json_text(experiment_schema(), indent=1, ensure_ascii=False) + "\n"
