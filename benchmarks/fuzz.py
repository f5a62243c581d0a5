"""Does every input end in a result or in one line, whatever is wrong with it?

    python benchmarks/fuzz.py                                # 1,000 cases of each target: some minutes
    python benchmarks/fuzz.py --cases 50000 --jobs 2         # hours
    python benchmarks/fuzz.py --targets recipe csv --seed 7  # some targets, other cases
    python benchmarks/fuzz.py --replay runs/fuzz/csv-812.json

Valid files and command lines are changed: values of other types at any depth, bytes flipped, cut, spliced, lines
doubled, members of archives, columns of every Arrow type, checksums that fit. A case depends on target, seed and number
alone. It is played in a process with limits of memory and time, and ends as accepted (what was read is then used: it
reads back as the same, recipes are drawn from it), one line (an error of altune's own in one line), traceback (anything
else), hang (more than 10 s of processor time), or memory (more than 1 GiB beyond what was there). Exit code 1 where one
of the last three came. Counts and findings are kept in --out, and the same command resumes there.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from lib.fuzz_play import (
    ADDRESSES,
    CPU_SECONDS,
    OUTCOMES,
    WRONG,
    make_case,
    play_case,
    play_many,
    read_record,
    record_of,
)
from lib.fuzz_targets import TARGETS

KEPT = 40
"""Findings of a target that are written; more of them are only counted."""
STEP = 200
"""Cases after which a process reports its counts."""
PART = 5_000
"""Cases after which another process takes over."""


class Part:
    """A process that plays the cases of a target, and what is known of it."""

    def __init__(self, target: str, seed: int, numbers: range) -> None:
        self.target, self.seed, self.numbers = target, seed, numbers
        self.current = multiprocessing.Value("q", numbers.start)
        self.connection, ours = multiprocessing.Pipe(duplex=False)
        self.process = multiprocessing.Process(target=self._run, args=(ours,), daemon=True)
        self.process.start()
        ours.close()
        self.started = time.monotonic()
        self._seen, self._since = -2, 0.0

    def _run(self, connection: Connection) -> None:
        counts: Counter[str] = Counter()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        with tempfile.TemporaryDirectory() as temporary, contextlib.suppress(KeyboardInterrupt):
            TARGETS[self.target].prepare(setattr)
            play_many(self.target, range(5), -1, Path(temporary))  # imports take memory and time of their own
            _limit_memory()
            for number in self.numbers:
                self.current.value = number
                case = make_case(self.target, self.seed, number)
                outcome, detail = play_case(self.target, case, Path(temporary))
                counts[outcome] += 1
                finding = record_of(self.target, case, outcome, detail) if outcome in WRONG else None
                if finding or (number + 1) % STEP == 0 or number + 1 == self.numbers.stop:
                    connection.send((number + 1, dict(counts), finding))
                    counts.clear()
        connection.close()

    def overdue(self) -> bool:
        """Return whether the current case has taken more processor time than it may end by itself."""
        number, seconds = self.current.value, _cpu_seconds(self.process.pid)
        if number != self._seen:
            self._seen, self._since = number, seconds
        return seconds - self._since > 3 * CPU_SECONDS


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + ADDRESSES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _cpu_seconds(process: int | None) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Harness:
    """Counts and findings in a folder."""

    def __init__(self, folder: Path, seed: int, cases: int) -> None:
        self.folder, self.seed, self.cases = folder, seed, cases
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / f"counts-{seed}.json"
        self.state: dict[str, dict[str, Any]] = json.loads(self.file.read_text()) if self.file.exists() else {}

    def of(self, target: str) -> dict[str, Any]:
        """Return what is known of a target."""
        return self.state.setdefault(target, {"next": 0, "counts": {}, "seconds": 0.0})

    def take(self, target: str, following: int, counts: dict[str, int], finding: dict[str, Any] | None) -> None:
        """Add counts, and write a finding."""
        known = self.of(target)
        known["next"] = following
        known["counts"] = dict(Counter(known["counts"]) + Counter(counts))
        if finding and sum(known["counts"].get(name, 0) for name in WRONG) <= KEPT:
            path = self.folder / f"{target}-{self.seed}-{following - 1}.json"
            path.write_text(json.dumps(finding, indent=1), "utf-8")
            print(f"{finding['outcome']}: {path}: {finding['detail'].strip().splitlines()[-1:]}", flush=True)
        self.save()

    def save(self) -> None:
        """Write the counts, whole or not at all."""
        part = self.file.with_suffix(".part")
        part.write_text(json.dumps(self.state, indent=1))
        part.replace(self.file)

    def run(self, targets: list[str], jobs: int) -> None:
        """Play the cases of targets that are left, each target in one process at a time."""
        waiting = [target for target in targets if self.of(target)["next"] < self.cases]
        running: list[Part] = []
        while waiting or running:
            while waiting and len(running) < jobs:
                target = waiting.pop(0)
                first = self.of(target)["next"]
                running.append(Part(target, self.seed, range(first, min(self.cases, first + PART))))
            for part in list(running):
                if not self._follow(part):
                    continue
                running.remove(part)
                known = self.of(part.target)
                known["seconds"] += time.monotonic() - part.started
                if known["next"] < self.cases:
                    waiting.insert(0, part.target)

    def _follow(self, part: Part) -> bool:
        """Take what a process sends; return whether it has ended."""
        with contextlib.suppress(EOFError):
            while wait([part.connection], timeout=0.2):
                self.take(part.target, *part.connection.recv())
        if part.process.is_alive() and not part.overdue():
            return False
        ended = not part.process.is_alive()
        part.process.kill()
        part.process.join()
        number, known = part.current.value, self.of(part.target)
        if known["next"] < part.numbers.stop:  # it was ended within a case
            outcome = "traceback" if ended else "hang"
            case = make_case(part.target, part.seed, number)
            detail = f"the process ended with {part.process.exitcode}"
            lost = number - known["next"]
            counts = {outcome: 1, "not counted": lost} if lost else {outcome: 1}
            self.take(part.target, number + 1, counts, record_of(part.target, case, outcome, detail))
        return True

    def table(self, targets: list[str]) -> tuple[str, bool]:
        """Return the table of counts, and whether anything wrong came."""
        rows = [["target", "cases", *OUTCOMES, "seconds"]]
        total: Counter[str] = Counter()
        for target in targets:
            known = self.of(target)
            counts = Counter(known["counts"])
            total += counts
            cells = [f"{counts[name]:,}" for name in OUTCOMES]
            rows.append([target, f"{sum(counts.values()):,}", *cells, f"{known['seconds']:,.0f}"])
        rows.append(["all", f"{sum(total.values()):,}", *(f"{total[name]:,}" for name in OUTCOMES), ""])
        text = "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], ["---"] * len(rows[0]), *rows[1:]])
        return text, any(total[name] for name in WRONG)


def replay(files: list[Path]) -> int:
    """Play findings again in this process, print what comes, and return the exit code."""
    wrong = 0
    for file in files:
        target, case = read_record(file)
        TARGETS[target].prepare(setattr)
        with tempfile.TemporaryDirectory() as temporary:
            outcome, detail = play_case(target, case, Path(temporary))
        print(f"{file.name}: {outcome}\n{detail}".rstrip())
        wrong += outcome in WRONG
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--targets", nargs="+", choices=list(TARGETS), default=list(TARGETS), metavar="NAME")
    parser.add_argument("--cases", type=int, default=1_000, help="of each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="targets that are played at a time")
    parser.add_argument("--out", type=Path, default=Path("runs/fuzz"), help="folder of counts and findings")
    parser.add_argument("--replay", type=Path, nargs="+", metavar="FILE", help="play findings again")
    given = parser.parse_args()
    if given.replay:
        return replay(given.replay)
    harness = Harness(given.out, given.seed, given.cases)
    with contextlib.suppress(KeyboardInterrupt):
        harness.run(given.targets, given.jobs)
    harness.save()
    text, wrong = harness.table(given.targets)
    print(text)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
