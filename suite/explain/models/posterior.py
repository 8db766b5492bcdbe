"""Does a model draw z from the posterior that its KL measures? Scale, noise and gradient of z are tested."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..answer import Bug
from ..dictionary.formula import Array
from ..dictionary.scale_kinds import DEVIATION, VARIANCE
from ..experiments.slopes import STEP
from ..investigation import Investigation
from ..lab import LossFailed
from .flow import Flow
from .run import Place, Runner, Setting
from .sampling import NONE, OTHER, step

ANOTHER_SCALE = "drawn-with-another-scale"
"""The name of the fault that z has another standard deviation than the KL reads."""
_OFF = 0.01
"""The relative deviation from which on two standard deviations differ by more than an ε."""


@dataclass(frozen=True)
class Posterior:
    """The experiments on z of a model whose loss is explained.

    Attributes:
        runner: runs the model.
        flow: the model's tensors.
        found: the results of the experiments on its loss.
    """

    runner: Runner
    flow: Flow
    found: Investigation

    def bugs(self) -> list[Bug]:
        """The faults, the worst first."""
        if self.flow.drawn.noise == NONE:
            return [self._no_noise()]
        shown = (self._exchanged(), self._not_normal(), self._another_scale(), self._detached(), self._shared())
        return [bug for bug in shown if bug is not None]

    def _name(self, role: str) -> str:
        return self.flow.name(role)

    @property
    def _kind(self) -> str | None:
        """The scale kind that the KL of a normal posterior reads; None if the KL is another, or has a fault."""
        term, match = self.found.kl_term, self.found.kl
        if term is None or term.formula.name not in ("analytic", "sampled"):
            return None
        if match is not None and (match.edited is not None or match.swapped):
            return None
        return term.formula.kind if term.formula.kind in VARIANCE else None

    def _no_noise(self) -> Bug:
        """The fault that nothing is drawn, though the KL has a scale."""
        mean, scale = self._name("mu"), self._name("scale")
        self.found.note("draws of z", "the decoder moves with the mean alone, and no draw moves it", 3, None)
        said = (
            f"No noise is drawn: the decoder reads the posterior's mean `{mean}`, and `{scale}` counts in the KL alone."
        )
        return Bug("no-noise", said, None, mean)

    def _exchanged(self) -> Bug | None:
        """The fault that the loss takes the mean for the scale, or the data for the reconstruction."""
        if self.found.kl is not None and self.found.kl.swapped:
            mean, scale, residual = self._name("mu"), self._name("scale"), self.found.kl.residual
            said = (
                f"The KL takes `{scale}` for the mean and `{mean}` for the scale, and z is drawn with them the other "
                "way round."
            )
            return Bug("heads-exchanged", said, None, f"{mean}, {scale}", residual)
        if self.found.recon is not None and self.found.recon.swapped:
            name, residual = self._name("recon"), self.found.recon.residual
            said = f"The data term takes the model's input for the reconstruction and `{name}` for the data."
            return Bug("data-exchanged", said, None, name, residual)
        return None

    def _another_scale(self) -> Bug | None:
        """The fault that z has another standard deviation than the KL reads, at random values of the scale's head."""
        flow, kind = self.flow, self._kind
        if kind is None:
            return None
        mu = flow.run.value(flow.mu)
        head = np.random.default_rng(7).uniform(0.3, 1.9, mu.shape)
        head = head.reshape(flow.run.value(flow.scale).shape)
        try:
            moves = step(self.runner, flow.run, flow.drawn.noise, flow.z, {flow.mu: mu, flow.scale: head})
        except LossFailed:
            return None
        drawn = np.abs(moves.reshape(-1)[: head.size])
        read = np.sqrt(VARIANCE[kind](head)).reshape(-1)
        off = float(np.abs(drawn / read - 1).max())
        shows, agrees = "what z gains where the noise grows by one, against what the KL reads", off < _OFF
        self.found.note("scale of z", shows, 2, off if agrees else None)
        if agrees:
            return None
        name = self._name("scale")
        reads = DEVIATION[kind].format(s=name)
        if flow.drawn.kind == OTHER:
            at = int(np.abs(drawn / read - 1).argmax())
            said = (
                f"z is drawn with another standard deviation than the KL reads, {reads}: at {name} = "
                f"{head.reshape(-1)[at]:.3g} it is {drawn[at]:.3g}, and the KL's is {read[at]:.3g}."
            )
        else:
            drawn_with = DEVIATION[flow.drawn.kind].format(s=name)
            if flow.drawn.factor != 1:
                drawn_with = f"{flow.drawn.factor:.6g}*{drawn_with}"
            said = (
                f"z is drawn with the standard deviation {drawn_with}, and the KL reads {reads}: the decoder sees "
                "another posterior than the KL measures."
            )
        return Bug(ANOTHER_SCALE, said, None, name)

    def _not_normal(self) -> Bug | None:
        """The fault that the noise is not normal, though the KL is that of a normal posterior."""
        drawn = self.flow.run.operations[self.flow.drawn.noise]
        if drawn.draws == "normal" or self._kind is None:
            return None
        said = (
            f"z is drawn with noise of `{drawn.name}`, which is not normal, and the KL is that of a normal posterior."
        )
        self.found.note("noise of z", f"it is drawn by {drawn.name}", 3, None)
        return Bug("noise-not-normal", said, None, self._name("z"))

    def _shared(self) -> Bug | None:
        """The fault that all latents share one draw of noise; if examples share it, the loss is still unbiased."""
        flow, run = self.flow, self.flow.run
        z, mu = run.value(flow.z), run.value(flow.mu)
        if self._kind is None or z.size != mu.size:
            return None
        cuts = {place: run.value(place) for place in (flow.mu, flow.scale)}
        moves = step(self.runner, run, flow.drawn.noise, flow.z, cuts)
        noise: Array = np.moveaxis(((z - mu.reshape(z.shape)) / moves).reshape(mu.shape), flow.batch[1], 0)
        noise = noise.reshape(noise.shape[0], -1)
        self.found.note("noise of z", "the noise of each example and latent", 2, None)
        if noise.shape[1] > 1 and np.ptp(noise, axis=1).max() < 1e-9:
            said = "One draw of noise serves all latents of an example: the KL takes them to be independent."
            return Bug("noise-shared", said, None, self._name("z"))
        return None

    def _detached(self) -> Bug | None:
        """The fault that the decoder's output depends on the posterior, and gives it no gradient."""
        flow, run = self.flow, self.flow.run
        cuts = {place: run.value(place) for place in (flow.mu, flow.scale)}
        recon = flow.recon[0]
        slopes = self.runner.gradients(run.x, Setting(replaced=cuts), recon)
        if slopes is None:
            return None
        self.found.note("reparametrisation", "the gradient of the decoder's output by the posterior's moments", 5, None)
        if self._is_cut(flow.mu, cuts, slopes):
            without = [str(name) for name, slope in slopes.items() if isinstance(name, str) and slope is None][:6]
            said = (
                "z gives no gradient of the reconstruction into the encoder, though the reconstruction moves with the "
                "posterior's mean" + (f": {', '.join(without)} get none of it." if without else ".")
            )
            return Bug("detached", said, None, self._name("z"))
        if self._is_cut(flow.scale, cuts, slopes):
            name = self._name("scale")
            said = (
                f"z gives no gradient of the reconstruction into the posterior's scale `{name}`, though the "
                "reconstruction moves with it: the KL alone trains it, towards the prior's."
            )
            return Bug("detached", said, None, name)
        return None

    def _is_cut(self, place: Place, cuts: dict[Place, Array], slopes: dict[object, Array | None]) -> bool:
        """Whether the reconstruction depends on a tensor, and has no gradient by it."""
        slope, recon = slopes[place], self.flow.recon[0]
        if slope is not None and slope.any():
            return False
        direction = np.random.default_rng(5).normal(size=cuts[place].shape)
        setting = Setting(replaced=cuts)
        moved = [
            self.runner.run(
                self.flow.run.x, replace(setting, replaced={**cuts, place: cuts[place] + sign * STEP * direction})
            ).value(recon)
            for sign in (1, -1)
        ]
        return not np.array_equal(moved[0], moved[1])
