"""What survives a restart, and that equal requests have equal results."""

import math
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from qiskit_ibm_runtime import Batch
from qiskit_ibm_runtime.executor_estimator import Estimator

from qhu.emulator import Emulator
from qhu.emulator.platform import Rules
from qhu.errors import UserError


def submit(mode, pub, level=1, tag="same"):
    estimator = Estimator(mode, options={"resilience_level": level})
    estimator.options.environment.job_tags = [tag]
    return estimator.run([pub], precision=0.1)


def values(job):
    return job.result(poll_interval=0.1)[0].data.evs


def test_equal_requests_have_equal_results_and_others_have_not(start, client, pub):
    emulator = start()
    backend = client(emulator).backend("ibm_manila")
    first, again = (values(submit(backend, pub(), tag=tag)) for tag in ("one", "two"))
    assert np.array_equal(first, again)
    circuit, observables, angles = pub()
    moved = values(submit(backend, (circuit, observables, angles + 1e-9)))
    assert not np.array_equal(first, moved)
    other = start(rules=Rules(queue_seconds=0, seed=1))
    assert not np.array_equal(first, values(submit(client(other).backend("ibm_manila"), pub())))


@pytest.fixture
def emulate():
    """Starts ``qhu emulator`` in a process of its own; gives it and its variables."""
    started = []

    def emulate(*arguments):
        code = "from qhu.cli import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", code, "emulator", "--device", "fake_manila", *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        started.append(process)
        title = process.stdout.readline()
        assert title.startswith("EMULATED ibm_manila at http://127.0.0.1:")
        lines = [process.stdout.readline() for _ in range(8)]
        return process, dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)

    yield emulate
    for process in started:
        process.kill()
        process.wait()


def test_a_killed_emulator_goes_on_where_it_stopped(emulate, start, tmp_path, pub, monkeypatch):
    from qiskit_ibm_runtime import QiskitRuntimeService

    state = tmp_path / "state"
    rules = ("-s", "pace=60", "-s", "settle_seconds=0")
    process, variables = emulate("--state", str(state), *rules)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with Batch(QiskitRuntimeService().backend("ibm_manila")) as batch:
        running, waiting = (submit(batch, pub(), tag=tag) for tag in ("first", "second"))
        while running.status() != "RUNNING":
            time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()

    emulator = start(state=state, port=int(variables["IAM_URL"].rpartition(":")[2]))
    assert emulator.environment() == variables
    # The handles of before still work: same address, same jobs, same token.
    assert np.array_equal(values(running), values(waiting))
    service = QiskitRuntimeService()
    ids = [job.job_id() for job in service.jobs(session_id=batch.session_id)]
    assert ids == [waiting.job_id(), running.job_id()]
    charged = running.usage() + waiting.usage()
    assert charged > 4
    assert service.usage()["usage_consumed_seconds"] == math.ceil(charged)


def test_a_stopped_emulator_leaves_its_job_for_later(client, pub, tmp_path):
    slow, quick = Rules(queue_seconds=0, pace=60), Rules(queue_seconds=0)
    with Emulator("fake_manila", state=tmp_path / "state", rules=slow) as emulator:
        job = submit(client(emulator).backend("ibm_manila"), pub(), level=0)
        while job.status() != "RUNNING":
            time.sleep(0.05)
    # The folder is served with another device: the job waits, and is not in the way.
    with Emulator("fake_quito", state=tmp_path / "state", rules=quick) as emulator:
        other = submit(client(emulator).backend("ibm_quito"), pub("fake_quito"), level=0)
        assert values(other).shape == (3, 2)
        assert [item["status"] for item in emulator.jobs()] == ["Queued", "Completed"]
    with Emulator("fake_manila", state=tmp_path / "state", rules=quick) as emulator:
        assert values(client(emulator).job(job.job_id())).shape == (3, 2)


def test_two_emulators_do_not_share_a_folder(start, tmp_path):
    start(state=tmp_path / "state")
    with pytest.raises(UserError, match="another emulator uses"):
        Emulator("fake_manila", state=tmp_path / "state")


def test_calibrations_survive(tmp_path):
    with Emulator("fake_manila", state=tmp_path / "state") as emulator:
        emulator.calibrate("ibm_manila")
        before = emulator._platform.calibration("ibm_manila")
    with Emulator("fake_manila", state=tmp_path / "state") as emulator:
        assert emulator._platform.calibration("ibm_manila") == before
