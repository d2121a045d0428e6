"""Where circuits lie, and by which calibration: in the ledger's file, beside what was asked."""

from typing import Any

from qhu.hardware.database import Database, packed
from qhu.record.clock import now

PLACEMENTS_SCHEMA = """
CREATE TABLE IF NOT EXISTS placements (
  run TEXT NOT NULL, circuit TEXT NOT NULL, device TEXT NOT NULL, chosen TEXT NOT NULL,
  body BLOB NOT NULL, PRIMARY KEY (run, circuit)
);
CREATE TABLE IF NOT EXISTS calibrations (
  id TEXT PRIMARY KEY, device TEXT NOT NULL, date TEXT NOT NULL, properties BLOB NOT NULL
);
"""


class Placements:
    """Placements of circuits on devices.

    Args:
        database: the ledger's, which knows the requests of every run.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, run: str, circuit: str, device: str, since: str) -> bytes | None:
        """Where a run that asked something placed a circuit, else any run since ``since``."""
        self._database.prove("placements", "circuit = ?", circuit)
        row = self._database.first(
            "SELECT body FROM placements WHERE circuit = ?1 AND ("
            "(run = ?2 AND EXISTS (SELECT 1 FROM requests WHERE requests.run = ?2)) "
            "OR (device = ?3 AND chosen >= ?4)) ORDER BY run = ?2 DESC, chosen DESC",
            *(circuit, run, device, since),
        )
        return row["body"] if row else None

    def keep(self, run: str, circuit: str, device: str, body: bytes) -> None:
        """Keep where a run places a circuit."""
        with self._database.writing():
            self._database.set(
                "INSERT OR IGNORE INTO placements VALUES (?, ?, ?, ?, ?)",
                *(run, circuit, device, now(), body),
            )

    def calibrate(self, calibration: str, device: str, date: str, properties: Any) -> None:
        """Keep a device's properties as they were when a circuit was placed."""
        with self._database.writing():
            self._database.set(
                "INSERT OR IGNORE INTO calibrations VALUES (?, ?, ?, ?)",
                *(calibration, device, date, packed(properties)),
            )
