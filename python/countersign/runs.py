"""schemas/formats/run-record.md: what an executor remembers of its runs, so that a crash never runs one twice."""

import fcntl
import os
import re
from contextlib import contextmanager
from pathlib import Path

from .canonical import canonical, is_ulid, parse_canonical
from .errors import CountersignError, require
from .form import closed

_MEMBERS = {
    "claim": "v tenant action_id action_digest executor use_id frame claimed_at",
    "start": "v use_id started_at",
    "report": "v use_id result started frame",
    "sent": "v use_id",
}


class FileRunStore:
    """One file a part, in a folder of its own that only its owner can read. Each is written once and never changed."""

    def __init__(self, folder: str | os.PathLike) -> None:
        self.folder = Path(folder)

    @contextmanager
    def lock(self, run: str):
        """Held by one process; the system lets go of it when that ends. RUN_BUSY"""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self.folder / f"{run}.flock", "a", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise CountersignError("RUN_BUSY", "another call is at this run") from error
            yield

    def create(self, run: str, part: str, record: dict) -> bool:
        """False when that part is there already. It is on the disk when this returns."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            made = os.open(self._path(run, part), flags, 0o600)
        except FileExistsError:
            return False
        with os.fdopen(made, "w", encoding="utf-8") as file:
            file.write(canonical({"v": f"countersign.run-{part}.v1", **record}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._sync()
        return True

    def read(self, run: str) -> dict[str, dict]:
        """The parts that are there. RECORD_DAMAGED is never taken for "nothing was started"."""
        found = {}
        for part in _MEMBERS:
            try:
                text = self._path(run, part).read_text(encoding="utf-8")
            except FileNotFoundError:
                continue
            found[part] = parse_part(part, text)
        require("claim" in found or not found, "RECORD_DAMAGED", "expected the claim of this run")
        return found

    def forget(self, run: str) -> None:
        self._path(run, "claim").unlink(missing_ok=True)
        self._sync()

    def open_runs(self) -> list[str]:
        names = {path.name for path in self.folder.glob("*.json")}
        runs = [re.fullmatch(r"([0-9A-Z]{26}\.[a-z0-9-]{1,32})\.claim\.json", name) for name in sorted(names)]
        return [found[1] for found in runs if found and f"{found[1]}.sent.json" not in names]

    def _path(self, run: str, part: str) -> Path:
        return self.folder / f"{run}.{part}.json"

    def _sync(self) -> None:
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def parse_part(part: str, text: str) -> dict:
    try:
        record = closed(parse_canonical(text.removesuffix("\n")), _MEMBERS[part])
        is_part = record["v"] == f"countersign.run-{part}.v1" and is_ulid(record["use_id"])
        require(is_part, "RECORD_DAMAGED")
    except CountersignError as error:
        raise CountersignError("RECORD_DAMAGED", f"expected the {part} of a run") from error
    if part == "report":
        is_result = record["result"] in ("succeeded", "failed", "unknown") and isinstance(record["started"], bool)
        require(is_result, "RECORD_DAMAGED", "expected the report of a run")
    return record
