"""The rungs of TensorFlow's ladders, as data: what each turns on beside what the one before it had."""

from __future__ import annotations

from dataclasses import dataclass

from ...definition.spec import Spec
from .base import FORWARD, Ladder


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


def ladder_of(spec: Spec, stage: str, dtype: str, device: str) -> Ladder[Options]:
    """The rungs of a stage by name, from the plainest on. Empty for a dtype that is not tuned.

    Args:
        spec: the model.
        stage: one of `stages.STAGES`.
        dtype: `float32`, or `bfloat16`, which XLA has no fast products for on a CPU: it stays with TensorFlow's own.
        device: `cpu` or `cuda`.
    """
    ladder = Ladder(Options())
    if dtype not in ("float32", "bfloat16"):
        return ladder
    if stage in FORWARD:
        ladder.add("graph", "`tf.function(input_signature=…)`, logits in place of probabilities")
        ladder.add("concrete", "`get_concrete_function()`: no look at the arguments of a call", concrete=True)
        ladder.add("constants", "weights captured as constants", constants=True)
    elif stage == "training_step":
        ladder.add("graph", "gradient and a Keras optimizer in one `tf.function`, logits in place of probabilities")
        ladder.add("concrete", "`get_concrete_function()`: no look at the arguments of a call", concrete=True)
        ladder.add(
            "own-adam", "`ResourceApplyAdam`, one operation per weight, in place of a Keras optimizer", own_adam=True
        )
    else:
        ladder.add("slices", "images in memory, noise of a whole pass in one draw", concrete=True, own_adam=True)
        ladder.add("loop", "all steps of a pass in one `tf.function`", looped=True)
    # XLA differentiates convolutions into naive loops on a CPU: half as fast as TensorFlow's own.
    if dtype == "float32" and (stage in FORWARD or spec.network != "conv" or device != "cpu"):
        ladder.add("xla", "`jit_compile=True`", xla=True)
    return ladder
