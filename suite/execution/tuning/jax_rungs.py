"""The rungs of JAX's ladders, as data: what each turns on beside what the one before it had."""

from __future__ import annotations

from dataclasses import dataclass

from ...definition.spec import Spec
from .base import FORWARD, Ladder


@dataclass(frozen=True)
class Options:
    """What is turned on for a call.

    Attributes:
        products: convolutions as matrix products, whose derivatives are products as well.
        constants: weights are part of what is compiled, not arguments.
        donated: a step's new weights and moments lie where its old ones were.
        scanned: an epoch is one `lax.scan` over its minibatches.
        shared: the two log-sigmoids of a cross-entropy share their exponential and their logarithm.
    """

    products: bool = False
    constants: bool = False
    donated: bool = False
    scanned: bool = False
    shared: bool = False


def ladder_of(spec: Spec, stage: str, dtype: str, device: str) -> Ladder[Options]:
    """The rungs of a stage by name, from the plainest on. Empty for a dtype that is not tuned.

    Args:
        spec: the model.
        stage: one of `stages.STAGES`.
        dtype: `float32` or `bfloat16`, which convolutions have not: on a CPU they are slower in it.
        device: `cpu` or `cuda`.
    """
    ladder = Ladder(Options())
    if dtype != "float32" and (dtype != "bfloat16" or spec.network == "conv"):
        return ladder
    if stage in FORWARD:
        ladder.add("jit", "`jax.jit` of a stateless call, logits in place of probabilities")
        ladder.add("constants", "weights captured as constants", constants=True)
    elif stage == "training_step":
        ladder.add("jit", "`jax.jit` of gradient and Adam as one function, logits in place of probabilities")
        ladder.add("donated", "`donate_argnums` for weights and moments", donated=True)
    else:
        ladder.add("slices", "images in memory, noise of a whole pass in one draw, `donate_argnums`", donated=True)
    if stage not in FORWARD and spec.network == "conv" and device == "cpu":
        ladder.add("products", "convolutions as matrix products, and so their derivatives", products=True)
    if stage in ("elbo", "training_step", "epoch") and spec.likelihood == "bernoulli":
        adds = "log σ(l) as min(l, 0) − log1p(exp(min(l, −l))): that of −l shares the exponential and the logarithm"
        ladder.add("log-sigmoid", adds, shared=True)
    if stage == "epoch":
        ladder.add("scan", "`lax.scan` over the minibatches: one call per epoch", scanned=True)
    return ladder
