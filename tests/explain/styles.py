"""Right losses in the styles that people write: clamps, epsilons, floors, schedules, dicts and tuples, masks.

A loss has a header, a data term and a KL, each with an element and a reduction, a weight, and a form of return. All
these losses are right, so that every fault in an answer is a false alarm.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from explain.generated import FRAMEWORKS

_PRELUDE = {
    "numpy": "import numpy as np\n\n"
    "exp, log, absolute, total, mean, clip = np.exp, np.log, np.abs, np.sum, np.mean, np.clip\n"
    "maximum, softplus = np.maximum, lambda a: np.logaddexp(0.0, a)\n",
    "torch": "import torch\n\nexp, log, absolute, total, mean, clip = (\n"
    "    torch.exp, torch.log, torch.abs, torch.sum, torch.mean, torch.clamp\n)\n"
    "maximum, softplus = lambda a, b: torch.clamp(a, min=b), torch.nn.functional.softplus\n",
    "jax": "import jax.numpy as jnp\n\n"
    "exp, log, absolute, total, mean, clip = jnp.exp, jnp.log, jnp.abs, jnp.sum, jnp.mean, jnp.clip\n"
    "maximum, softplus = jnp.maximum, lambda a: jnp.logaddexp(0.0, a)\n",
    "tensorflow": "import tensorflow as tf\n\nexp, log, absolute, total, mean, clip = (\n"
    "    tf.exp, tf.math.log, tf.abs, tf.reduce_sum, tf.reduce_mean, tf.clip_by_value\n)\n"
    "maximum, softplus = tf.maximum, tf.math.softplus\n",
}
_DATA = {
    "clipped probabilities": "-(x * log(clip(recon, 1e-6, 1 - 1e-6))"
    " + (1.0 - x) * log(1.0 - clip(recon, 1e-6, 1 - 1e-6)))",
    "epsilon in the log": "-(x * log(recon + 1e-8) + (1.0 - x) * log(1.0 - recon + 1e-8))",
    "logits": "maximum(recon, 0.0) - x * recon + softplus(-absolute(recon))",
    "squared error": "(x - recon) ** 2",
    "half squared error": "0.5 * (recon - x) ** 2",
    "absolute error": "absolute(recon - x)",
    "gaussian of a given variance": "0.5 * (x - recon) ** 2 / 0.25 + 0.5 * log_two_pi_variance",
}
_KL = {
    "log variance": "-0.5 * (1 + s - mu ** 2 - exp(s))",
    "clipped log variance": "-0.5 * (1 + clip(s, -30.0, 20.0) - mu ** 2 - exp(clip(s, -30.0, 20.0)))",
    "standard deviation": "0.5 * (mu ** 2 + s ** 2 - 1) - log(s)",
    "epsilon in the log": "0.5 * (mu ** 2 + s ** 2 - log(1e-8 + s ** 2) - 1)",
    "log standard deviation": "-s + 0.5 * (exp(2 * s) + mu ** 2) - 0.5",
}
_FLOORS = ("", "", "", "example", "latent", "element")
_RETURNS = ("value", "dict", "tuple", "per example")
_WEIGHTS = {
    "1": "",
    "beta": ", beta=2.0",
    "0.00025": "",
    "min(1.0, step / warm_up)": ", step, warm_up=300",
    "min(beta, epoch * 0.01)": ", epoch, beta=0.7",
}
STYLES = (*_DATA, *_KL, *filter(None, dict.fromkeys(_FLOORS)), *_RETURNS, *_WEIGHTS, "total", "mean", "masked")


@dataclass(frozen=True)
class Styled:
    """A right loss as text, and its styles."""

    framework: str
    source: str
    styles: tuple[str, ...]


def styled(random: Random, frameworks: tuple[str, ...] = FRAMEWORKS) -> Styled:
    """A right loss of random styles."""
    framework, data, kl = random.choice(frameworks), random.choice(list(_DATA)), random.choice(list(_KL))
    floor, returned, weight = random.choice(_FLOORS), random.choice(_RETURNS), random.choice(list(_WEIGHTS))
    pixels, masked = random.choice(("total", "mean")), random.random() < 0.15 and framework != "tensorflow"
    if floor == "latent" and returned == "per example":
        returned = "value"
    axis = "axis=-1" if framework != "torch" else "-1"
    element = f"({_DATA[data]})".replace("log_two_pi_variance", "0.4515827052894548")  # log(2 pi / 4)
    if masked:
        inner = f"total({element} * mask, {axis})"
        inner = f"{inner} / total(mask) * x.shape[0]" if pixels == "mean" else inner
    else:
        inner = f"{pixels}({element}, {axis})"
    each = f"({_KL[kl]})"
    kls = {
        "": f"total({each}, {axis})",
        "element": f"total(maximum({each}, 0.1), {axis})",
        "example": f"maximum(total({each}, {axis}), 0.4)",
        "latent": f"total(maximum(mean({each}, {axis.replace('-1', '0')}), 0.1))",
    }
    lines = [f"    rec = {inner}", f"    kl = {kls[floor]}"]
    if returned == "per example":
        lines.append(f"    return rec + {weight} * kl")
    else:
        lines.append(f"    rec, kl = mean(rec), {'kl' if floor == 'latent' else 'mean(kl)'}")
        lines.append(f"    loss = rec + {weight} * kl")
        ends = {"value": "loss", "tuple": "loss, rec, kl", "dict": '{"loss": loss, "recon": rec, "kl": kl}'}
        lines.append(f"    return {ends[returned]}")
    header = f"def loss(recon, x, mu, s{', mask' if masked else ''}{_WEIGHTS[weight]}):"
    source = f"{_PRELUDE[framework]}\n\n{header}\n" + "\n".join(lines) + "\n"
    return Styled(framework, source, (data, kl, floor, returned, weight, pixels, "masked" if masked else ""))
