"""Which tensors of a model are noise, z, μ, scale and decoder's output? Values are changed, and effects followed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from ...reference.errors import BadInput
from ..lab import LossFailed
from .decoder import NoDecoder, decoder
from .noiseless import without_noise
from .run import INPUT, Place, Run, Runner, Setting, domain_of, example, same
from .sampling import NONE, Sampling, draws_in, sampling

_MOST_RUNS = 4
"""The largest number of shapes of x on which the tensors are sought."""


@dataclass(frozen=True)
class Flow:
    """The tensors of a VAE in a run.

    Attributes:
        run: a run in training mode.
        drawn: how z is drawn: the noise, z, μ and the scale's head.
        recon: the decoder's output, and its scale if there is one.
        batch: the batch axes of x and of μ.
        copies: role → further tensors of it: of `z` if several are drawn, of `recon` if the decoder is called twice.
        noises: the operations that draw the noise of the further z.
    """

    run: Run
    drawn: Sampling
    recon: tuple[Place, ...]
    batch: tuple[int, int]
    copies: dict[str, tuple[Place, ...]] = field(default_factory=dict)
    noises: tuple[int, ...] = ()

    @property
    def z(self) -> Place:
        """The tensor z; μ in a model without draws."""
        return self.drawn.z

    @property
    def mu(self) -> Place:
        """The posterior's mean."""
        return self.drawn.mu

    @property
    def scale(self) -> Place:
        """The scale's head, such as a log variance."""
        return self.drawn.scale

    @property
    def places(self) -> dict[str, Place]:
        """Role → its tensor, without x."""
        found = {"mu": self.mu, "scale": self.scale}
        found |= {"z": self.z} if self.drawn.noise != NONE else {}
        found |= {"recon": self.recon[0]}
        return found | ({"recon_scale": self.recon[1]} if len(self.recon) > 1 else {})

    def name(self, role: str) -> str:
        """The user's name of a role's output; of the posterior's moments also that of the layer; else the role.

        A name may be that of an output of equal values, as before a layer's bias that is 0 at first.
        """
        run, place = self.run, INPUT if role == "x" else self.places[role]
        value = run.value(place)
        for names in (run.names, run.layers if role in ("mu", "scale") else {}):
            equal = [p for p in sorted(names) if p != place and np.ptp(value) and same(value, run.value(p))]
            for one in (place, *equal):
                if one in names:
                    return names[one]
        return role

    @property
    def draws(self) -> int:
        """The number of draws of z per posterior."""
        return (1 + len(self.copies.get("z", ()))) * draws_in(self.run, self.z, self.mu)


def flow_of(runner: Runner) -> Flow:
    """Run the model on the first shapes of x that it takes, and find its tensors in one of these runs.

    Several shapes are tried, since a model may take a wrong shape by broadcasting.

    Raises:
        BadInput: the model takes no shape, draws no noise, or one of the tensors is not found.
    """
    first: NoDecoder | None = None
    for run in islice(_runs(runner), _MOST_RUNS):
        try:
            return _flow_in(runner, run)
        except NoDecoder as error:
            first = first or error
    assert first is not None
    raise first


def _flow_in(runner: Runner, run: Run) -> Flow:
    """The tensors in one run.

    Raises:
        BadInput: one of the tensors is not found.
    """
    for noise in run.draws("normal") + run.draws("other"):
        found = sampling(runner, run, noise)
        if found is not None:
            batch = _batch(runner, run, found.mu)
            _refuse_repeated(run, found)
            also = [] if found.noise in run.draws("other") else _also(runner, run, found)
            recon = decoder(runner, run, found, tuple(one.z for one in also))
            copies = recon.copies | ({"z": tuple(one.z for one in also)} if also else {})
            return Flow(run, found, recon.places, batch, copies, tuple(one.noise for one in also))
    forgotten = without_noise(runner, run)
    if forgotten is not None:
        drawn, recon = forgotten
        return Flow(run, drawn, recon.places, _batch(runner, run, drawn.mu), recon.copies)
    if not run.draws("normal"):
        raise BadInput("the model draws no normal noise in training mode: there is no z = μ + s·ε to find")
    raise BadInput("none of the model's draws is the ε of z = μ + s·ε with a scale s that depends on the input")


def _refuse_repeated(run: Run, drawn: Sampling) -> None:
    """Refuse a model that repeats its batch before it encodes it.

    Raises:
        BadInput: it does.
    """
    rows, own = run.x.shape[0], run.value(drawn.mu).shape
    if rows not in own and own and own[0] % rows == 0:
        raise BadInput(
            f"the model repeats its batch: {list(own)} is the posterior of {rows} examples, which is not determined; "
            "draw several z of one posterior, or explain the loss as a function"
        )


def _also(runner: Runner, run: Run, first: Sampling) -> list[Sampling]:
    """The other draws of the same posterior."""
    later = (sampling(runner, run, noise) for noise in run.draws("normal") if noise > first.noise)
    return [one for one in later if one is not None and (one.mu, one.scale) == (first.mu, first.scale)]


def _runs(runner: Runner) -> Iterator[Run]:
    """A run on each shape of x that the model takes.

    Raises:
        BadInput: it takes none; the message has the first error.
    """
    failed, ran = "", False
    for shape in runner.shapes():
        domains = ["unit"]
        for domain in domains:
            try:
                run = runner.run(example(shape, 0, domain), Setting())
            except LossFailed as error:
                failed = failed or f"x {list(shape)}: {error}"
                if domain == "unit" and "support" in str(error):  # a distribution checks its argument
                    domains += ["binary", "count"] if "Boolean" in str(error) else ["count", "binary"]
                continue
            ran = True
            yield run
            break
    if ran:
        return
    failed = failed or "no shape of x suggests itself"
    raise BadInput(f"the model could not be run: {failed}; if it takes another shape of x, pass --at D=784")


def _batch(runner: Runner, run: Run, mu: Place) -> tuple[int, int]:
    """The axes of x and of μ along which a change of one example of x changes one example of μ."""
    before = run.value(mu)
    for axis in range(run.x.ndim):
        if run.x.shape[axis] < 2:
            continue
        moved = run.x.copy()
        np.moveaxis(moved, axis, 0)[1] = np.moveaxis(example(run.x.shape, 1, domain_of(run.x)), axis, 0)[1]
        after = runner.run(moved, Setting()).value(mu)
        for own in range(before.ndim):
            if before.shape[own] == run.x.shape[axis]:
                changed = np.moveaxis(after != before, own, 0).reshape(before.shape[own], -1).any(axis=1)
                if changed[1] and changed.sum() == 1:
                    return axis, own
    return 0, 0  # batch statistics tie the examples
