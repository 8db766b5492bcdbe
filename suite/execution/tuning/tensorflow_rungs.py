"""The rungs of TensorFlow's ladders, as data: what each turns on beside what the one before it had."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...definition.spec import Spec
from .base import Rung


@dataclass(frozen=True)
class Options:
    """What is turned on for a call.

    Attributes:
        concrete: the one traced function is called, without a look at its arguments.
        constants: weights are part of the graph, not variables.
        own_adam: TensorFlow's own operation for Adam on plain `tf.Variable`s, in place of a Keras optimizer.
        looped: an epoch is one call, with a loop over its minibatches in the graph.
        xla: `jit_compile=True`.
    """

    concrete: bool = False
    constants: bool = False
    own_adam: bool = False
    looped: bool = False
    xla: bool = False


Ladder = dict[str, tuple[Rung, Options]]

_FORWARD = ("encoder", "decoder", "elbo")


def ladder(spec: Spec, stage: str, dtype: str, device: str) -> Ladder:
    """The rungs of a stage by name, from the plainest on. Empty for a stage or dtype that is not tuned.

    Args:
        spec: the model.
        stage: `encoder`, `decoder`, `elbo`, `training_step` or `epoch`.
        dtype: `float32`, or `bfloat16`, which XLA has no fast products for on a CPU: it stays with TensorFlow's own.
        device: `cpu` or `cuda`.
    """
    if dtype not in ("float32", "bfloat16") or stage not in (*_FORWARD, "training_step", "epoch"):
        return {}
    found: Ladder = {}
    options = Options()

    def add(name: str, adds: str, **turned_on: bool) -> None:
        nonlocal options
        options = replace(options, **turned_on)
        found[name] = (Rung(name, adds), options)

    if stage in _FORWARD:
        add("graph", "`tf.function(input_signature=…)`, logits in place of probabilities")
        add("concrete", "`get_concrete_function()`: no look at the arguments of a call", concrete=True)
        add("constants", "weights captured as constants", constants=True)
    elif stage == "training_step":
        add("graph", "gradient and a Keras optimizer in one `tf.function`, logits in place of probabilities")
        add("concrete", "`get_concrete_function()`: no look at the arguments of a call", concrete=True)
        add("own-adam", "`ResourceApplyAdam`, one operation per weight, in place of a Keras optimizer", own_adam=True)
    else:
        add("slices", "images in memory, noise of a whole pass in one draw", concrete=True, own_adam=True)
        add("loop", "all steps of a pass in one `tf.function`", looped=True)
    # XLA differentiates convolutions into naive loops on a CPU: half as fast as TensorFlow's own.
    if dtype == "float32" and (stage in _FORWARD or spec.network != "conv" or device != "cpu"):
        add("xla", "`jit_compile=True`", xla=True)
    return found
