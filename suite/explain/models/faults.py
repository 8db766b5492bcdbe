"""Which faults does only a whole model show? Missing noise or gradients, evaluation mode, and ranges of outputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..answer import Bug, Finding
from ..dictionary.formula import Array
from ..dictionary.scale_kinds import VARIANCE
from ..investigation import Investigation
from ..lab import Lab, LossFailed
from .flow import Flow
from .head import head_kind
from .joined import Joined, joined
from .posterior import Posterior
from .run import INPUT, Place, Run, Runner, Setting, same
from .sampling import NONE

FAR = 1e3
"""The value of inputs that show the range of a function of single numbers."""


@dataclass(frozen=True)
class Frozen:
    """A number of the model that a callback changes, while the compiled step keeps its first value.

    Attributes:
        name: the attribute's name.
        epoch: the epoch from which on the callback does not change it; None if there is none.
        eager, compiled: its value at that epoch, run eagerly and compiled.
    """

    name: str
    epoch: int | None
    eager: float
    compiled: float


@dataclass
class Faults:
    """The results of the experiments on a model.

    Attributes:
        bugs: faults, the first to be said first.
        findings: notes.
        training_changes_it: whether evaluation mode runs other operations; None if it was not run.
        frozen: a weight that the compiled step does not read again.
        joined: how the loss combines several draws of z.
        head: the scale kind of the output of the posterior's head.
    """

    bugs: list[Bug]
    findings: list[Finding]
    training_changes_it: bool | None
    frozen: Frozen | None = None
    joined: Joined | None = None
    head: str | None = None


class ModelFacts:
    """The experiments on a model whose loss is explained.

    Args:
        runner: runs the model.
        flow: the model's tensors.
        lab: the model's loss, bound to them.
        found: the results of the experiments on that loss.
        frozen: a weight that the compiled step does not read again, if there is one.
    """

    def __init__(self, runner: Runner, flow: Flow, lab: Lab, found: Investigation, frozen: Frozen | None = None):
        self.frozen = frozen
        self.runner, self.flow, self.lab, self.found = runner, flow, lab, found
        self.run = flow.run

    def faults(self) -> Faults:
        """All faults and notes."""
        findings: list[Finding] = []
        evaluated, changes = self._evaluation(findings)
        of_z = Posterior(self.runner, self.flow, self.found).bugs()
        shown = (self._frozen(), evaluated, *of_z, self._confined(), self._support())
        bugs = [bug for bug in shown if bug is not None]
        several = joined(self.runner, self.flow, self.found)
        return Faults(bugs, findings, changes, self.frozen, several, self._head())

    def _head(self) -> str | None:
        """The scale kind of the posterior's head, of which the loss may read a function."""
        term = self.found.kl_term
        if term is None or term.formula.kind not in VARIANCE:
            return None
        kind = head_kind(self.runner, self.run, self.flow.scale, term.formula.kind)
        self.found.note(
            "head of the scale", f"what its last linear layer puts out, against what the KL reads: {kind}", 3, None
        )
        return kind

    def _frozen(self) -> Bug | None:
        """A weight that the compiled step does not read again."""
        if self.frozen is None:
            return None
        name = self.frozen.name
        self.found.note("compiled step", f"one step, then another with `{name}` = 1e8, eagerly and compiled", 4, None)
        return Bug(
            "weight-frozen",
            f"`{name}` is a Python number: the first compiled step keeps its value of that time "
            f"({self.frozen.compiled:g}), and what the callback sets later is never read. A keras.Variable is.",
            None,
            name,
        )

    def _evaluation(self, findings: list[Finding]) -> tuple[Bug | None, bool | None]:
        """Run in evaluation mode: the fault that z is the mean there, and whether other operations run."""
        flow, run = self.flow, self.run
        try:
            other = self.runner.run(run.x, Setting(training=False))
        except LossFailed:
            return None, None
        if not other.terms or not any(v.size for v in other.terms.values()):
            return None, None
        self.found.note("evaluation mode", "one run, and its draws", 1, None)
        own = "" if flow.drawn.noise == NONE else run.operations[flow.drawn.noise].name
        names = sorted({other.operations[place].name for place in other.draws("other")} - {own})
        if names:
            findings.append(Finding("draws-at-evaluation", f"In evaluation mode {', '.join(names)} still draws."))
        changes = [one.name for one in other.operations] != [one.name for one in run.operations]
        if other.draws("normal") or flow.drawn.noise == NONE:
            return None, changes
        named = [
            name for name, value in run.terms.items() if name in other.terms and not same(value, other.terms[name])
        ]
        mean = run.value(flow.mu)
        arrives = any(same(place_value, mean) for place_value in self._later(other))
        if not named or not arrives:
            return None, changes
        return (
            Bug(
                "mean-at-evaluation",
                "In evaluation mode no noise is drawn and z is the posterior's mean: the loss there is no estimate of "
                "the ELBO.",
                None,
                flow.name("z"),
            ),
            True,
        )

    def _later(self, other: Run) -> list[Array]:
        return [other.value(place) for place in other.places()]

    def _range(self, place: Place) -> tuple[float, float] | None:
        """The range of an output that is an elementwise function of an earlier output; None if it is none."""
        root = place
        try:
            while (before := self._made_of(root)) is not None:
                root = before
            ends = [self._moved(root, place, far)[0] for far in (-FAR, FAR)] if root != place else []
        except LossFailed:  # a distribution checks what it is given
            return None
        if not ends:
            return None
        return float(min(e.min() for e in ends)), float(max(e.max() for e in ends))

    def _made_of(self, place: Place) -> Place | None:
        """The one input of the same size of which an output is an elementwise function; None if there is none."""
        size = self.run.value(place).size
        own = {p for p in self.run.operations[place.operation].inputs if p != INPUT and self.run.value(p).size == size}
        if len(own) != 1:
            return None
        (before,) = own
        same_order = all(
            same(self._moved(before, place, far)[1], self.run.value(place).reshape(-1)[1::2]) for far in (-FAR, FAR)
        )
        return before if same_order and size > 1 else None

    def _moved(self, at: Place, place: Place, far: float) -> tuple[Array, Array]:
        """The even elements of an output if those of an earlier output `at` are `far`, and its odd elements."""
        moved = self.run.value(at).copy()
        moved.flat[::2] = far
        after = self.runner.run(self.run.x, Setting(replaced={at: moved})).value(place).reshape(-1)
        return after[::2], after[1::2]

    def _outside(self, place: Place) -> bool:
        """Whether some z moves an output out of [0, 1]."""
        random, z = np.random.default_rng(6), self.run.value(self.flow.z)
        for scale in (1.0, 1e1, 1e2, 1e3):
            drawn = {self.flow.z: scale * random.normal(size=z.shape)}
            try:
                value = self.runner.run(self.run.x, Setting(replaced=drawn)).value(place)
            except LossFailed:
                return False
            if (value < 0).any() or (value > 1).any():
                return True
        return False

    def _confined(self) -> Bug | None:
        """A posterior mean whose range does not contain the prior's mean 0."""
        flow = self.flow
        if self.found.kl_term is None or self.found.kl_term.formula.name not in ("analytic", "sampled"):
            return None
        reach = self._range(flow.mu)
        if reach is None or np.isinf(reach).any() or (abs(reach[0]) == FAR and abs(reach[1]) == FAR):
            return None
        low, high = reach
        self.found.note("range of the posterior's mean", f"from {low:g} to {high:g}", 2, None)
        if low < 0 < high:
            return None
        bound = (
            f"({low:g}, {high:g})" if abs(high) < FAR and abs(low) < FAR else f"at {'least' if low >= 0 else 'most'} 0"
        )
        return Bug(
            "posterior-confined",
            f"The posterior's mean `{flow.name('mu')}` is confined to {bound}: it cannot be centred at the prior's 0.",
            None,
            flow.name("mu"),
        )

    def _support(self) -> Bug | None:
        """A decoder whose range does not fit a Bernoulli: probabilities read as logits, or values beyond [0, 1]."""
        term, flow = self.found.recon_term, self.flow
        if term is None or self.found.recon is None or self.found.recon.edited is not None:
            return None
        reach = self._range(flow.recon[0])
        name = self.run.names.get(flow.recon[0], "the decoder's output")
        if reach is not None:
            self.found.note("range of the decoder's output", f"from {reach[0]:g} to {reach[1]:g}", 2, None)
        family = term.formula.name
        within = reach is not None and reach[0] >= 0 and reach[1] <= 1
        if family == "bernoulli-logits" and reach is not None and within and not self._outside(flow.recon[0]):
            return Bug(
                "support",
                f"The loss reads `{name}` as a logit, and the decoder puts out a probability: its range is "
                f"{_shown(reach)}.",
                None,
                name,
            )
        beyond = reach is not None and not within and self._outside(flow.recon[0])
        if family == "bernoulli-probabilities" and reach is not None and beyond:
            return Bug(
                "support",
                f"The loss reads `{name}` as a probability, and its range is {_shown(reach)}.",
                None,
                name,
            )
        return None


def _shown(reach: tuple[float, float]) -> str:
    """A range in words; an end near the far inputs counts as unbounded."""
    low, high = (abs(end) > 0.01 * FAR for end in reach)
    if low and high:
        return "unbounded"
    if low or high:
        return f"from {reach[0]:g} up, unbounded" if high else f"from {reach[1]:g} down, unbounded"
    return f"({reach[0]:g}, {reach[1]:g})"
