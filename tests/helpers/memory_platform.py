"""A platform in memory."""

import itertools
import json

import numpy as np

from qhu.hardware.platform import Sighting, State
from qhu.hardware.questions import Answer


class MemoryPlatform:
    """Jobs in a dictionary. ``happens`` is told of every call, before and after it has effect.

    ``owner`` submits; ``shown`` says which jobs a search shows, newest first.
    """

    emulated, instance = False, "crn:here"

    def __init__(self, happens=lambda call, when: None):
        self.jobs, self.happens, self.numbers = {}, happens, itertools.count()
        self.owner, self.shown = "", lambda name: True

    def submit(self, pubs, tag, limit):
        self.happens("submit", "before")
        name = f"job{next(self.numbers)}"
        values = [np.asarray(pub.parameter_values.as_array(), float).ravel() for pub in pubs]
        made = {"tag": tag, "values": values, "state": "queued", "limit": limit}
        self.jobs[name] = made | {
            "owner": self.owner,
            "created": f"2026-01-01T00:00:{len(self.jobs):02}",
        }
        self.happens("submit", "after")
        return name

    def find(self, tag):
        self.happens("find", "before")
        return [
            Sighting(name, job["created"], job["owner"])
            for name, job in reversed(self.jobs.items())
            if job["tag"] == tag and self.shown(name)
        ]

    def state(self, job):
        self.happens("state", "before")
        if job not in self.jobs:
            return State("unknown")
        if self.jobs[job]["state"] == "queued":
            self.jobs[job]["state"] = "done"
            return State("queued")
        return State(self.jobs[job]["state"], "told so")

    def result(self, job):
        self.happens("result", "before")
        return json.dumps([values.tolist() for values in self.jobs[job]["values"]])

    def read(self, raw, shapes):
        return [expected(np.array(values)) for values in json.loads(raw)]

    def metrics(self, job):
        self.happens("metrics", "before")
        ran = self.jobs[job]["state"] == "done"
        return 1.5 * ran, {"timestamps": {"running": "2026-01-01T00:00:00Z" if ran else None}}

    def cancel(self, job):
        self.happens("cancel", "before")
        if self.jobs[job]["state"] == "queued":
            self.jobs[job]["state"] = "cancelled"

    def running(self):
        """Jobs that were not cancelled, by tag."""
        kept = [job for job in self.jobs.values() if job["state"] != "cancelled"]
        return {tag: sum(job["tag"] == tag for job in kept) for tag in {j["tag"] for j in kept}}


def expected(values):
    return Answer(np.cos(values)[None], np.full((1, len(values)), 0.1))
