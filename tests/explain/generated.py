"""Random losses with known facts, right ones and ones with a single edit, as source in each framework.

A loss has a family, a scale kind, reductions, a weight, an estimator and a framework. Its source is written to a file
and imported, as a person's loss is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

FRAMEWORKS = ("torch", "numpy", "jax", "tensorflow")
FAMILIES = ("bernoulli-probabilities", "bernoulli-logits", "squared-error", "gaussian", "laplace", "poisson")
KINDS = ("log_var", "log_sd", "var", "sd", "softplus")
REDUCTIONS = ("sum-sum", "mean-sum", "mean-mean", "none-sum")  # data-pixels; latents as pixels in mean-mean
ESTIMATORS = ("analytic", "sampled")
WEIGHTS = ("1", "beta", "0.5", "4.0", "warm")

_PRELUDE = {
    "numpy": "import numpy as np\n\n"
    "exp, log, absolute, total, softplus = np.exp, np.log, np.abs, np.sum, lambda a: np.logaddexp(0.0, a)\n",
    "torch": "import torch\n\nexp, log, absolute, total = torch.exp, torch.log, torch.abs, torch.sum\n"
    "softplus = torch.nn.functional.softplus\n",
    "jax": "import jax.numpy as jnp\n\nexp, log, absolute, total = jnp.exp, jnp.log, jnp.abs, jnp.sum\n"
    "softplus = lambda a: jnp.logaddexp(0.0, a)\n",
    "tensorflow": "import tensorflow as tf\n\nexp, log, absolute, total = tf.exp, tf.math.log, tf.abs, tf.reduce_sum\n"
    "softplus = tf.math.softplus\n",
}
_RECON = {
    "bernoulli-probabilities": "-(x * log(recon) + (1.0 - x) * log(1.0 - recon))",
    "bernoulli-logits": "softplus(recon) - x * recon",
    "squared-error": "(x - recon) ** 2",
    "gaussian": "0.5 * (x - recon) ** 2 + 0.9189385332046727",
    "laplace": "absolute(x - recon)",
    "poisson": "recon - x * log(recon)",
}
_VARIANCE = {
    "log_var": "exp(s)",
    "log_sd": "exp(2.0 * s)",
    "var": "s",
    "sd": "s ** 2",
    "softplus": "softplus(s) ** 2",
}
_LOG = {
    "log_var": "s",
    "log_sd": "2.0 * s",
    "var": "log(s)",
    "sd": "2.0 * log(s)",
    "softplus": "2.0 * log(softplus(s))",
}


@dataclass(frozen=True)
class Generated:
    """A loss as text.

    Attributes:
        framework, family, kind, reduction, weight, estimator: the properties of the loss.
        sign: 1 for a minimised loss, -1 for a maximised bound.
        edit: the edit; None for a right loss.
        recon, kl: the expressions of one element.
        divisor: what an edit divides the KL by, beside its reduction.
    """

    framework: str
    family: str
    kind: str
    reduction: str
    weight: str
    estimator: str
    sign: int
    recon: str
    kl: str
    edit: str | None = None
    divisor: str = ""
    kl_sign: int = 1

    @property
    def source(self) -> str:
        """The source of the loss's file."""
        arguments = "recon, x, mu, s" + (", z" if self.estimator == "sampled" else "")
        arguments += {"beta": ", beta=0.3", "warm": ", epoch, warm_up=40"}.get(self.weight, "")
        weight = {"warm": "min(1.0, epoch / warm_up)"}.get(self.weight, self.weight)
        data, inner = self.reduction.split("-")
        axes = "axis=-1" if self.framework != "torch" else "-1"
        return (
            f"{_PRELUDE[self.framework]}\n\ndef loss({arguments}):\n"
            f"    rec = total({self.recon}, {axes}){' / x.shape[-1]' if inner == 'mean' else ''}\n"
            f"    kl = total({self.kl}, {axes}){' / mu.shape[-1]' if inner == 'mean' else ''}{self.divisor}\n"
            f"    value = rec {'+' if self.kl_sign > 0 else '-'} {weight} * kl\n"
            f"    return {'-' if self.sign < 0 else ''}"
            f"{ {'sum': 'total(value)', 'mean': 'total(value) / x.shape[0]', 'none': 'value'}[data] }\n"
        )

    @property
    def likelihood(self) -> str:
        return self.family


def right(random: Random, frameworks: tuple[str, ...] = FRAMEWORKS) -> Generated:
    """A right loss."""
    family, kind, estimator = random.choice(FAMILIES), random.choice(KINDS), random.choice(ESTIMATORS)
    variance, logarithm = _VARIANCE[kind], _LOG[kind]
    if estimator == "analytic":
        kl = f"0.5 * (mu ** 2 + {variance} - 1.0 - {logarithm})"
    else:
        kl = f"0.5 * z ** 2 - 0.5 * {logarithm} - 0.5 * (z - mu) ** 2 / ({variance})"
    return Generated(
        random.choice(frameworks),
        family,
        kind,
        random.choice(REDUCTIONS),
        random.choice(WEIGHTS),
        estimator,
        random.choice((1, 1, 1, -1)),
        _RECON[family],
        kl,
    )


def edited(random: Random, frameworks: tuple[str, ...] = FRAMEWORKS) -> Generated:
    """A loss with one edit that changes its objective."""
    while True:
        loss = right(random, frameworks)
        name = random.choice(
            ("dropped-half", "sign", "missing-square", "batch", "opposite", "dropped-term", "scale-kind", "recon-sign")
        )
        changed = _edit(loss, name)
        if changed is not None:
            return replace(changed, edit=name)


def _edit(loss: Generated, name: str) -> Generated | None:
    analytic = loss.estimator == "analytic"
    variance, logarithm = _VARIANCE[loss.kind], _LOG[loss.kind]
    kls = {
        "dropped-half": f"(mu ** 2 + {variance}) - 0.5 - 0.5 * ({logarithm})",
        "sign": f"0.5 * (mu ** 2 + {variance} - 1.0 + {logarithm})",
        "missing-square": f"0.5 * (mu + {variance} - 1.0 - {logarithm})",
        "dropped-term": f"0.5 * ({variance} - 1.0 - {logarithm})",
        "scale-kind": f"0.5 * (mu ** 2 + ({variance}) ** 2 - 1.0 - {logarithm})",
    }
    if name in kls:
        if not analytic:
            return None
        return replace(loss, kl=kls[name])
    if name == "batch" and loss.reduction in ("sum-sum", "mean-sum"):
        return replace(loss, divisor=" / x.shape[0]")
    if name == "opposite":
        return replace(loss, kl_sign=-1)
    if name == "recon-sign" and loss.family == "bernoulli-probabilities":
        return replace(loss, recon="-(x * log(recon) - (1.0 - x) * log(1.0 - recon))")
    return None
