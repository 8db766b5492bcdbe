"""Files of every kind that is read, mutated: run as a script, in a process with a limit of memory.

    python mutated.py SEED COUNT FOLDER

Prints one line of JSON: how many were read, how many refused, and what fell: anything but `BadInput`, or too slow.
"""

import json
import random
import resource
import shutil
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from elbostone.claims.facts import ClaimsRecord
from elbostone.equality.exclusions import OWN, load_exclusions
from elbostone.equality.records import EqualityRecord
from elbostone.notations.reader import load_notation
from elbostone.notations.registry import notations
from elbostone.reference.errors import BadInput
from elbostone.reference.problem import load_problem, save_problem
from elbostone.runs.presets import family_problems
from elbostone.theta.trainings import COMMITTED, load_trained
from elbostone.timing.records import timing_records
from elbostone.workers.packed import unpack
from elbostone.workers.records import CLAIMS, EQUALITY, read_records_of
from elbostone.workers.run_folder import PLAN, RunFolder, read_plan

MEMORY = 3 * 2**30
SLOW_S = 20.0
QUICK = Path(__file__).parents[2] / "reports/committed/quick"
#: What a mutation puts in: what readers of numbers, names and nesting have fallen over.
VALUES = (
    *(b"[" * 2000, b"{" * 2000, b'{"a":' * 500, b"1" + b"0" * 400, b"9" * 5000, b"-1", b"1e999", b"NaN", b"0", b"null"),
    *(b'""', b"true", b"[]", b"{}", b"\xff", b"\x00", b"\x1b[2J", b"../../x", b'"\\ud800"', b"=1+1", b"{0.__class__}"),
)
Target = tuple[Path, Callable[[], Any]]


def targets(folder: Path) -> dict[str, Target]:
    """Kind of file → one that is right, and its reader."""
    problem = save_problem(family_problems()[5], folder)
    own = notations()["kingma_welling_2013"].path
    toml = Path(shutil.copy(own, folder / "notation.toml"))
    exclusions = Path(shutil.copy(OWN, folder / "exclusions.toml"))
    shutil.copytree(COMMITTED, folder / "trained")
    run = RunFolder(folder / "run")
    run.path.mkdir()
    shutil.copy(QUICK / "run.json", run.path)
    lines = unpack(QUICK / "records.parquet")
    kinds = {json.loads(line)["kind"]: line for line in lines}
    run.records.write_text("".join(f"{line}\n" for line in [*lines[:3], *kinds.values()]), encoding="utf-8")
    (run.path / PLAN).write_text('{"schema": 1, "phases": {"equality": [["equality", "p"]], "throughput": null}}')

    def records() -> None:
        read_records_of(run.records, EqualityRecord)
        read_records_of(run.records, ClaimsRecord)
        timing_records(run.records)
        run.finished()

    assert {EQUALITY, CLAIMS, "throughput"} <= set(kinds)
    return {
        "problem": (problem, lambda: load_problem(problem)),
        "weights": (problem.with_suffix(".safetensors"), lambda: load_problem(problem)),
        "notation": (toml, lambda: load_notation(toml, "mine")),
        "exclusions": (exclusions, lambda: load_exclusions(exclusions)),
        "trained": (folder / "trained/theta.json", lambda: load_trained(folder / "trained")),
        "trained weights": (folder / "trained/theta.safetensors", lambda: load_trained(folder / "trained")),
        "records": (run.records, records),
        "run.json": (run.path / "run.json", run.settings),
        "plan.json": (run.path / PLAN, lambda: read_plan(run.path)),
    }


def mutated(data: bytes, chance: random.Random) -> bytes:
    """One to three changes: of a bit, a span, a value, or the end."""
    for _ in range(chance.randint(1, 3)):
        at, to = sorted(chance.choices(range(len(data) + 1), k=2))
        to = min(to, at + 200)
        match chance.randrange(6):
            case 0 if at < len(data):
                data = data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
            case 1:
                data = data[:at] + data[to:]
            case 2:
                data = data[:to] + data[at:to] * chance.randint(1, 50) + data[to:]
            case 3:
                data = data[:at] + chance.choice(VALUES) + data[chance.choice((at, to)) :]
            case 4:
                data = data[:at]
            case _:
                words = [i for i, byte in enumerate(data[:20_000]) if byte in b",:=\n"] or [0]
                start = chance.choice(words) + 1
                stop = next((i for i in words if i >= start), len(data))
                data = data[:start] + chance.choice(VALUES) + data[stop:]
    return data


def main(seed: int, count: int, folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    chance, counts, fell = random.Random(seed), Counter[str](), list[str]()
    kinds = targets(folder)
    right = {name: path.read_bytes() for name, (path, _) in kinds.items()}
    for name, (_, read) in kinds.items():
        read()
        counts[f"{name}: right"] += 1
    for number in range(count):
        name = list(kinds)[number % len(kinds)]
        path, read = kinds[name]
        path.write_bytes(mutated(right[name], chance))
        started = time.monotonic()
        try:
            read()
            counts[f"{name}: read"] += 1
        except BadInput as error:
            counts[f"{name}: refused"] += 1
            if "\n" in str(error).strip():
                fell.append(f"{name} {number}: more than a line: {error}")
        except Exception:
            fell.append(f"{name} {number}: {traceback.format_exc()[-600:]}")
        if time.monotonic() - started > SLOW_S:
            fell.append(f"{name} {number}: took {time.monotonic() - started:.0f} s")
        path.write_bytes(right[name])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"counts": dict(sorted(counts.items())), "peak_mib": peak, "fell": fell}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
