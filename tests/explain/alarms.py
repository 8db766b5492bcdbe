"""How many random right losses are accused, and how many losses with one edit are named?

`python tests/explain/alarms.py 200` explains 200 right losses (100 of random styles, 100 whose every fact is known) and
100 edited ones in this process, and prints the figures and each loss that was judged wrongly. Further arguments are the
frameworks (`torch,jax`) and the seed.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

sys.path.append(str(Path(__file__).parent.parent))  # as pytest has it

from explain.generated import FRAMEWORKS, Generated, edited, right
from explain.styles import STYLES, Styled, styled

from elbostone.explain.answer import Answer
from elbostone.explain.measure import Asked, explained

NAMED = {"batch": "terms-reduced-differently", "recon-sign": "recon-edited"}
"""Edit → the name of its bug; all others are edits of the KL."""


def answer_of(loss: Generated | Styled, folder: Path, place: int) -> Answer | str:
    """The answer to a generated loss, or the reason why there is none."""
    file = folder / f"generated_{loss.framework}_{place}.py"
    file.write_text(loss.source)
    outcome = explained(Asked(str(file), "loss", loss.framework, False, {}, {}, {}, time.time(), changed=False))
    return outcome.answer or outcome.bad_input or outcome.raised or "no outcome"


def wrong_about_right(loss: Generated, answer: Answer | str) -> list[str]:
    """What an answer to a right loss has wrong: an accusation first, then other facts."""
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
    """Whether an answer names the edit of a loss by its kind."""
    return (
        not isinstance(answer, str)
        and answer.bug is not None
        and (answer.bug.name == NAMED.get(str(loss.edit), "kl-edited"))
    )


class Judged(NamedTuple):
    """A loss, and whether its answer is right.

    Attributes:
        group: `styled`, `right` or `edited`.
        fall: the error of the answer: `accused`, `unexplained`, `incomplete` (another fact is wrong), `missed` (an edit
            is called right) or `unnamed`; empty for none.
        what: the edit, or the styles.
        why: what the answer says instead.
        source: the source of the loss.
    """

    group: str
    fall: str
    what: object
    why: object
    source: str


def judged(count: int, frameworks: tuple[str, ...] = FRAMEWORKS, seed: int = 0) -> Iterator[Judged]:
    """Explain losses in turn: right ones of random styles, right ones whose facts are known, and edited ones."""
    with TemporaryDirectory() as name:
        folder, random = Path(name), Random(seed)
        for place in range(count):
            style = styled(random, frameworks)
            answer = answer_of(style, folder, 3 * place)
            fall = "unexplained" if isinstance(answer, str) else "accused" if answer.bug is not None else ""
            why = answer if isinstance(answer, str) else answer.bug
            yield Judged("styled", fall, style.styles, why, style.source)
            loss = right(random, frameworks)
            wrong = wrong_about_right(loss, answer_of(loss, folder, 3 * place + 1))
            fall = "" if not wrong else "accused" if wrong[0].startswith("bug") else "incomplete"
            yield Judged("right", fall, "right", wrong, loss.source)
            loss = edited(random, frameworks)
            answer = answer_of(loss, folder, 3 * place + 2)
            called_right = isinstance(answer, str) or (answer.affine is True and answer.bug is None)
            fall = "missed" if called_right else "" if is_named(loss, answer) else "unnamed"
            said = answer if isinstance(answer, str) else answer.bug or answer.sentence
            yield Judged("edited", fall, loss.edit, said, loss.source)


def falls(count: int, frameworks: tuple[str, ...] = FRAMEWORKS, seed: int = 0) -> list[Judged]:
    """The losses with a wrong answer."""
    return [one for one in judged(count, frameworks, seed) if one.fall]


def main() -> None:
    count = (int(sys.argv[1]) if len(sys.argv) > 1 else 100) // 2
    frameworks = tuple(sys.argv[2].split(",")) if len(sys.argv) > 2 else FRAMEWORKS
    found, done = Counter[str](), Counter[str]()
    for one in judged(count, frameworks, int(sys.argv[3]) if len(sys.argv) > 3 else 0):
        done[one.group] += 1
        found[one.fall] += 1
        if one.fall:
            print(f"{one.fall} ({one.what}): {one.why}\n{one.source}", flush=True)
        if one.group == "edited" and (done["edited"] % 20 == 0 or done["edited"] == count):
            print(
                f"{done['styled'] + done['right']} right losses, half of them of {len(STYLES)} styles: "
                f"{found['accused']} accused, {found['unexplained']} without an answer, {found['incomplete']} with "
                f"another fact wrong; {done['edited']} edited ones: {found['missed']} called right, "
                f"{found['unnamed']} not named",
                flush=True,
            )


if __name__ == "__main__":
    main()
