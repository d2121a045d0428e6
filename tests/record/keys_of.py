"""Keys of the same questions by edited copies of everything that answers depend on.

A script: one process loads the slow packages, and each case continues in a fork of it.
"""

import json
import os
import sys
import traceback
from pathlib import Path

import numpy  # noqa: F401
import pandas  # noqa: F401
import qiskit_aer  # noqa: F401
import qiskit_ibm_runtime  # noqa: F401
import qiskit_machine_learning.connectors  # noqa: F401
import scipy.stats  # noqa: F401
import sklearn.datasets  # noqa: F401


def keys() -> dict:
    """Keys of a teacher, a model and its outputs, the run's fingerprint, and whether it is done."""
    from qhu import pipeline
    from qhu.record.folder import FILES, RunFolder, started
    from qhu.record.stage import Stage
    from qhu.record.store import Store
    from qhu.settings.experiment import load_experiment
    from qhu.study import Cell, Fit, Study

    class Keys(Store):
        def find(self, key):
            return Stage(key, {}, {})

    study = Study(load_experiment(Path("experiment.yaml")), Keys(Path("unused")))
    fit = pipeline.fit_key(study, Fit("teacher", 0))
    teacher = Stage(fit, {}, {})
    cells = {method: Cell("subset", method, 0) for method in ("finetune", "mine")}
    made = {f"unlearn {k}": pipeline._unlearn_key(study, c, teacher) for k, c in cells.items()}
    outputs = pipeline.predict(study, Stage(made["unlearn finetune"], {}, {}), 0).key
    folder = RunFolder(Path("run"))
    if not folder.path.exists():
        folder.start(started("tiny", "exact", study.fingerprint), {})
        for name in FILES:
            folder.write_text(name, "")
        folder.update(data=study.data.content)
        folder.finish("finished", 0.0)
    done = folder.is_finished(study.fingerprint, study.data.content)
    return {
        "fit": fit,
        **made,
        "outputs": outputs,
        "fingerprint": study.fingerprint,
        "finished": done,
    }


def answer(work: Path) -> dict:
    """What a copy says, asked in a process of its own."""
    read, write = os.pipe()
    if not os.fork():
        try:
            os.chdir(work)
            sys.path[:0] = [str(work / "code"), str(work / "site")]
            said = keys()
        except BaseException:
            said = {"error": traceback.format_exc()}
        with os.fdopen(write, "w") as pipe:
            json.dump(said, pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = json.load(pipe)
    os.wait()
    return said


print(json.dumps([answer(Path(work)) for work in sys.argv[1:]]))
