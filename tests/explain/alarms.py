"""Count false alarms on random right losses, and how many single edits are named.

`python tests/explain/alarms.py 200` explains 200 right losses and 100 edited ones in this process, and prints both
figures and each loss that was judged wrongly.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

sys.path.append(str(Path(__file__).parent.parent))  # as pytest has it

from explain.generated import FRAMEWORKS, Generated, edited, right

from elbostone.explain.answer import Answer
from elbostone.explain.measure import Asked, explained

NAMED = {"batch": "terms-reduced-differently", "recon-sign": "recon-edited"}
"""Edit → the name of its bug; all others are edits of the KL."""


def answer_of(loss: Generated, folder: Path, place: int) -> Answer | str:
    """The answer, or why there is none."""
    file = folder / f"generated_{loss.framework}_{place}.py"
    file.write_text(loss.source)
    outcome = explained(Asked(str(file), "loss", loss.framework, False, {}, {}, {}, time.time()))
    return outcome.answer or outcome.bad_input or outcome.raised or "no outcome"


def wrong_about_right(loss: Generated, answer: Answer | str) -> list[str]:
    """What an answer has wrong about a right loss; an accusation first."""
    if isinstance(answer, str):
        return [f"no answer: {answer}"]
    expected = {
        "bug": None,
        "affine": True,
        "sense": "minimised" if loss.sign > 0 else "maximised",
        "likelihood": loss.likelihood,
        "scale_kind": loss.kind,
        "kl": loss.estimator,
        "data_reduction": loss.reduction.split("-")[0],
        "pixel_reduction": loss.reduction.split("-")[1],
        "latent_reduction": loss.reduction.split("-")[1],
    }
    return [
        f"{name}: expected {value}; found {getattr(answer, name)}"
        for name, value in expected.items()
        if getattr(answer, name) != value
    ]


def is_named(loss: Generated, answer: Answer | str) -> bool:
    """Whether the fault of an edited loss is found, under the name of its kind."""
    return (
        not isinstance(answer, str)
        and answer.bug is not None
        and (answer.bug.name == NAMED.get(str(loss.edit), "kl-edited"))
    )


def run(count: int, frameworks: tuple[str, ...] = FRAMEWORKS, seed: int = 0) -> Iterator[tuple[str, Generated, object]]:
    """Explain `count` right losses and half as many edited ones; yield each judgement that is wrong."""
    with TemporaryDirectory() as name:
        folder, random = Path(name), Random(seed)
        for place in range(count):
            loss = right(random, frameworks)
            wrong = wrong_about_right(loss, answer_of(loss, folder, place))
            if wrong:
                yield ("accused" if wrong[0].startswith("bug") else "incomplete"), loss, wrong
        for place in range(count, count + count // 2):
            loss = edited(random, frameworks)
            answer = answer_of(loss, folder, place)
            if isinstance(answer, str) or (answer.affine is True and answer.bug is None):
                yield "missed", loss, answer if isinstance(answer, str) else answer.sentence
            elif not is_named(loss, answer):
                yield "unnamed", loss, answer.bug or answer.undetermined


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    frameworks = tuple(sys.argv[2].split(",")) if len(sys.argv) > 2 else FRAMEWORKS
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    found: dict[str, int] = {}
    for kind, loss, why in run(count, frameworks, seed):
        found[kind] = found.get(kind, 0) + 1
        print(f"{kind} ({loss.edit or 'right'}): {why}\n{loss.source}", flush=True)
    half = count // 2
    print(
        f"{count} right losses: {found.get('accused', 0)} accused, {found.get('incomplete', 0)} with another fact wrong"
    )
    print(
        f"{half} edited losses: {found.get('missed', 0)} called right or not explained at all, "
        f"{half - found.get('missed', 0) - found.get('unnamed', 0)} named"
    )


if __name__ == "__main__":
    main()
