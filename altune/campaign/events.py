"""The log of a campaign: one line of JSON for each event, only ever appended.

It is the single source of truth. What a line holds is listed at :data:`KINDS`; everything else of a campaign is worked
out from the lines in their order.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from altune.core.checksums import ChecksumError, sealed, unsealed
from altune.core.errors import StorageError

FILE = "events.jsonl"
CAMPAIGN_FORMAT = 1
"""``format`` in the first line. It grows only where the meaning of what is stored changes."""
KINDS = {
    "created": "the recipe, the scenario, the pool and all else that is fixed at the start",
    "given": "labels that existed before",
    "asked": "a batch: rows and annotators, and who chose the rows",
    "told": "answers, skipped rows and corrections of one call",
    "revoked": "answers that were taken back",
    "trained": "a batch is complete, and what was recorded of its loop",
    "added": "rows that were added to the pool",
    "removed": "rows that were taken out of the pool",
    "stopped": "the campaign has ended, and why",
}

Event = dict[str, Any]


class EventLog:
    """The file of the log.

    Parameters
    ----------
    folder : folder of the campaign.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def read(self) -> list[Event]:
        """Return all events; a last line that a kill has torn is left out, because its call never returned.

        Raises
        ------
        StorageError
            If the file cannot be read, or a line is not what was written.
        """
        try:
            lines = self.path.read_bytes().split(b"\n")[:-1]
        except OSError as error:
            raise StorageError(f"{self.path}: cannot be read: {error.strerror}") from None
        return [self._event(line, number) for number, line in enumerate(lines, 1)]

    def append(self, kind: str, **fields: Any) -> Event:
        """Append an event with the time, and return it once it has reached the disk.

        The owner of the folder alone may call this. What a kill has torn before is cut off first, and what a full disk
        has torn now.

        Raises
        ------
        StorageError
            If the line cannot be written; then the log is as before.
        """
        event = {"event": kind, "time": now(), **fields}
        line = f"{sealed(event)}\n".encode()
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                end = self._whole_until(descriptor)
                os.ftruncate(descriptor, end)
                os.lseek(descriptor, end, os.SEEK_SET)
                try:
                    _write_all(descriptor, line)
                    os.fsync(descriptor)
                except OSError:
                    os.ftruncate(descriptor, end)
                    raise
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StorageError(f"{self.path}: cannot be written: {error.strerror}") from None
        return event

    def _whole_until(self, descriptor: int) -> int:
        """Return where the last complete line ends."""
        end = os.lseek(descriptor, 0, os.SEEK_END)
        while end > 0:
            step = min(end, 65536)
            os.lseek(descriptor, end - step, os.SEEK_SET)
            newline = os.read(descriptor, step).rfind(b"\n")
            if newline >= 0:
                return end - step + newline + 1
            end -= step
        return 0

    def _event(self, line: bytes, number: int) -> Event:
        try:
            event = unsealed(line)
        except ChecksumError:
            problem = "has changed since it was written: its checksum does not match"
        except (ValueError, RecursionError):
            problem = "cannot be read"
        else:
            if event.get("event") in KINDS:
                return event
            problem = f"has the unknown event {event.get('event')!r}; was it written by a later altune?"
        raise StorageError(f"{self.path}: line {number} {problem}; put back a copy of the file")


def now() -> str:
    """Return the time in UTC, to the second, as ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def check_format(created: Mapping[str, Any], path: Path) -> None:
    """Refuse a campaign of a format that this altune does not know.

    Raises
    ------
    StorageError
        With the format and what to do.
    """
    found = created.get("format")
    if type(found) is not int or not 1 <= found <= CAMPAIGN_FORMAT:
        raise StorageError(f"{path}: format {found!r} is unknown; this altune reads formats up to {CAMPAIGN_FORMAT}")


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
