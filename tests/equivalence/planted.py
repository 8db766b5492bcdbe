"""Planted errors as data: each an edit of a notation's own files, and the tensor that has to be named for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from elbostone.definition.problem import Problem
from elbostone.definition.random import random_weights
from elbostone.definition.registry import notation_folder, packages
from elbostone.definition.spec import Spec

#: The package that the edited copies are imported from.
PACKAGE = "elbostone_planted"
FILES = {"torch": "torch_vae.py", "keras": "keras_vae.py", "toml": "notation.toml"}

Edit = tuple[str, str]


@dataclass(frozen=True)
class Planted:
    """An error that somebody makes.

    Attributes:
        name: what was done, as the copy's package and its notation id; no two have the same.
        notation: whose files are edited.
        first: the canonical tensor that diverges first; by likelihood, where it is not the same for all.
        torch, keras: (old, new) texts, for each framework's file; every old text stands in it exactly once.
        toml: the same for notation.toml, where the error is one of the weights table or of a symbol.
    """

    name: str
    notation: str
    first: str | Mapping[str, str]
    torch: tuple[Edit, ...] = ()
    keras: tuple[Edit, ...] = ()
    toml: tuple[Edit, ...] = ()

    def first_of(self, problem: Problem) -> str:
        """The tensor that has to be named for a problem."""
        return self.first if isinstance(self.first, str) else self.first[problem.spec.likelihood]


def edited(text: str, edits: Iterable[Edit], where: str) -> str:
    """A text with each old text replaced by its new one.

    Raises:
        ValueError: an old text does not stand there exactly once, or nothing is edited by it.
    """
    for old, new in edits:
        if (count := text.count(old)) != 1:
            raise ValueError(f"{where}: expected {old!r} exactly once; found it {count} times")
        if old == new:
            raise ValueError(f"{where}: {old!r} is replaced by itself")
        text = text.replace(old, new)
    return text


def plant(planted: Planted, root: Path) -> Path:
    """Write the edited copy of a notation below `root`, as `PACKAGE.<name>`. Returns its notation.toml.

    Raises:
        ValueError: an edit does not match, or one of the frameworks would run unedited.
    """
    if not planted.toml and not (planted.torch and planted.keras):
        raise ValueError(f"{planted.name}: expected edits for torch and for keras, or in notation.toml")
    return copy(planted.name, planted.notation, root, {f: getattr(planted, f) for f in FILES})


def copy(name: str, notation: str, root: Path, edits: Mapping[str, tuple[Edit, ...]] | None = None) -> Path:
    """Write a copy of a notation and of `_plain` below `root`, as `PACKAGE.<name>`. Returns its notation.toml."""
    source = notation_folder(packages()[notation])
    package = root / PACKAGE
    if not (package / "_plain").exists():
        shutil.copytree(source.parent / "_plain", package / "_plain", ignore=shutil.ignore_patterns("__pycache__"))
    (package / name).mkdir()
    for kind, file in FILES.items():
        text = (source / file).read_text(encoding="utf-8")
        text = edited(text, (edits or {}).get(kind, ()), f"{name}: {notation}/{file}")
        (package / name / file).write_text(text, encoding="utf-8")
    return package / name / FILES["toml"]


# Problems

_SHALLOW = (
    Spec("mlp", "bernoulli", "standard", "tanh", (5,), 6, 3),
    Spec("mlp", "bernoulli", "standard", "relu", (7,), 7, 2),
    Spec("mlp", "bernoulli", "standard", "tanh", (4,), 9, 4),
)
_DEEP = (
    Spec("mlp", "bernoulli", "learned", "tanh", (5, 5), 6, 3),
    Spec("mlp", "gaussian", "learned", "relu", (4, 4), 3, 2),
    Spec("mlp", "gaussian-fixed", "learned", "softplus", (6, 6), 5, 4, variance=0.3),
)
_CONV = (
    Spec("conv", "bernoulli", "standard", "relu", (5,), 16, 2, image_shape=(1, 4, 4), channels=(2,)),
    Spec("conv", "bernoulli", "standard", "tanh", (4,), 64, 3, image_shape=(2, 4, 8), channels=(3, 2)),
    Spec("conv", "bernoulli", "standard", "tanh", (3,), 32, 2, image_shape=(1, 8, 4), channels=(3,)),
)
_SIZES = ((4, 2), (3, 1), (2, 3))  # batch, samples

#: What the copies of each notation run on: three shapes, with square and rectangular weights.
SPECS: dict[str, tuple[Spec, ...]] = {
    "kingma_welling_2013": _SHALLOW,
    "pytorch_examples": _SHALLOW,
    "keras_io": _CONV,
    "kingma_welling_2019": _DEEP,
}


def problems_of(notation: str) -> list[Problem]:
    """Three problems on which each error planted in a notation shows."""
    found = []
    for number, (spec, (batch, samples)) in enumerate(zip(SPECS[notation], _SIZES, strict=True)):
        generator = np.random.default_rng((2013, number))
        x = generator.random((batch, spec.data_dim))
        x = x if number == 1 else x.round()
        noise = generator.standard_normal((samples, batch, spec.latent_dim))
        found.append(Problem(f"{notation}-{number}", spec, x, noise, random_weights(spec, 100 + number)))
    return found


# Errors

_FIRST_GRADIENT = "gradient/encoder.hidden.0.weight"

PLANTED = (
    # Signs
    Planted(
        "sign_of_the_kl",  # App. B of AEVB prints the negative
        "kingma_welling_2013",
        "kl",
        torch=(("return -0.5 * (1 + log_σ2", "return 0.5 * (1 + log_σ2"),),
        keras=(("return -0.5 * ops.sum(1 + log_σ2", "return 0.5 * ops.sum(1 + log_σ2"),),
    ),
    Planted(
        "kl_subtracted_from_the_loss",
        "pytorch_examples",
        "elbo",
        torch=(('"loss": BCE + KLD', '"loss": BCE - KLD'),),
        keras=(('"loss": BCE + KLD', '"loss": BCE - KLD'),),
    ),
    Planted(
        "sign_of_the_log_likelihood",
        "kingma_welling_2019",
        "log_likelihood",
        torch=(("logpx = self.logpx(x, η)", "logpx = -self.logpx(x, η)"),),
        keras=(("logpx = self.logpx(x, η)", "logpx = -self.logpx(x, η)"),),
    ),
    Planted(
        "sign_of_the_reconstruction",
        "keras_io",
        "log_likelihood",
        torch=(("reconstruction_loss = cross_entropy", "reconstruction_loss = -cross_entropy"),),
        keras=(("return ops.sum(cross_entropy", "return -ops.sum(cross_entropy"),),
    ),
    # A missing ½, and other constants
    Planted(
        "no_half_in_the_kl",
        "pytorch_examples",
        "kl",
        torch=(
            (
                "-0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim",
                "-torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim",
            ),
        ),
        keras=(
            (
                "-0.5 * ops.sum(1 + logvar - mu**2 - ops.exp(logvar), axis",
                "-ops.sum(1 + logvar - mu**2 - ops.exp(logvar), axis",
            ),
        ),
    ),
    Planted(
        "no_half_in_the_kl_of_a_learned_prior",
        "kingma_welling_2019",
        "kl",
        torch=(("return 0.5 * (torch.exp(2 * log_ratio)", "return (torch.exp(2 * log_ratio)"),),
        keras=(("return 0.5 * ops.sum(ops.exp(2 * log_ratio)", "return ops.sum(ops.exp(2 * log_ratio)"),),
    ),
    Planted(
        "no_half_in_the_map_of_the_log_sd",
        "kingma_welling_2019",
        "posterior_log_variance",
        toml=(
            (
                'keras = { path = "EncoderNeuralNet_φ.log_σ.kernel", axes = "in out" }\nscale = 0.5',
                'keras = { path = "EncoderNeuralNet_φ.log_σ.kernel", axes = "in out" }',
            ),
        ),
    ),
    Planted(
        "no_log_2π",
        "kingma_welling_2019",
        {"bernoulli": "elbo_monte_carlo", "gaussian": "log_likelihood", "gaussian-fixed": "log_likelihood"},
        torch=((" * torch.exp(-log_σ)) ** 2 + math.log(2 * math.pi)) + log_σ", " * torch.exp(-log_σ)) ** 2) + log_σ"),),
        keras=((" * ops.exp(-log_σ)) ** 2 + math.log(2 * math.pi)) + log_σ", " * ops.exp(-log_σ)) ** 2) + log_σ"),),
    ),
    # Means for sums
    Planted(
        "kl_mean_over_latents",
        "keras_io",
        "kl",
        torch=(("kl_loss = kl_loss.sum(1)", "kl_loss = kl_loss.mean(1)"),),
        keras=(("return ops.sum(kl_loss, axis=1)", "return ops.mean(kl_loss, axis=1)"),),
    ),
    Planted(
        "likelihood_mean_over_pixels",
        "kingma_welling_2013",
        "log_likelihood",
        torch=(("(1 - x) * log_1_minus_y).sum(-1)", "(1 - x) * log_1_minus_y).mean(-1)"),),
        keras=(("ops.sum(x * log_y", "ops.mean(x * log_y"),),
    ),
    # σ read as σ²
    Planted(
        "variance_as_sd",
        "pytorch_examples",
        "latent",
        torch=(("std = torch.exp(0.5 * logvar)", "std = torch.exp(logvar)"),),
        keras=(("std = ops.exp(0.5 * logvar)", "std = ops.exp(logvar)"),),
    ),
    Planted(
        "variance_as_sd_in_the_sampling_layer",
        "keras_io",
        "latent",
        torch=(("torch.exp(0.5 * z_log_var)", "torch.exp(z_log_var)"),),
        keras=(("ops.exp(0.5 * z_log_var)", "ops.exp(z_log_var)"),),
    ),
    Planted(
        "log_sd_declared_as_log_variance",
        "kingma_welling_2019",
        "posterior_log_variance",
        toml=(('quantity = "φ.log_σ"\nscale = "log_sd"', 'quantity = "φ.log_σ"\nscale = "log_variance"'),),
    ),
    # Weights in the wrong order
    Planted(
        "square_weight_transposed",
        "kingma_welling_2019",
        "posterior_mean",
        toml=(
            (
                '[[weights]]\ncanonical = "encoder.hidden.{i}.weight"',
                '[[weights]]\ncanonical = "encoder.hidden.1.weight"\n'
                'published = "EncoderNeuralNet_φ.hidden.1.weight"\n'
                'torch = { path = "EncoderNeuralNet_φ.hidden.1.weight", axes = "in out" }\n'
                'keras = { path = "EncoderNeuralNet_φ.hidden.1.kernel", axes = "out in" }\n\n'
                '[[weights]]\ncanonical = "encoder.hidden.{i}.weight"',
            ),
        ),
    ),
    Planted(
        "square_decoder_weight_transposed",
        "kingma_welling_2019",
        {"bernoulli": "decoder_logits", "gaussian": "decoder_mean", "gaussian-fixed": "decoder_mean"},
        toml=(
            (
                '[[weights]]\ncanonical = "decoder.hidden.{i}.weight"',
                '[[weights]]\ncanonical = "decoder.hidden.1.weight"\n'
                'published = "DecoderNeuralNet_θ.hidden.1.weight"\n'
                'torch = { path = "DecoderNeuralNet_θ.hidden.1.weight", axes = "in out" }\n'
                'keras = { path = "DecoderNeuralNet_θ.hidden.1.kernel", axes = "out in" }\n\n'
                '[[weights]]\ncanonical = "decoder.hidden.{i}.weight"',
            ),
        ),
    ),
    Planted(
        "kernel_transposed",
        "keras_io",
        "posterior_mean",
        toml=(
            ('axes = "out in height width"', 'axes = "out in width height"'),
            ('axes = "height width in out"', 'axes = "width height in out"'),
        ),
    ),
    Planted("kernel_not_flipped", "keras_io", "decoder_logits", toml=(('flip = ["height", "width"]\n', ""),)),
    Planted(
        "flatten_order",
        "keras_io",
        "posterior_mean",
        torch=(("x = x.flatten(1)", "x = x.permute(0, 2, 3, 1).flatten(1)"),),
        keras=(("layers.Flatten(), ", "layers.Permute((3, 1, 2)), layers.Flatten(), "),),
    ),
    Planted(
        "flatten_order_of_the_decoder",
        "keras_io",
        "decoder_logits",
        toml=(
            ('axes = "(channel height width) in"', 'axes = "(height width channel) in"'),
            ('axes = "in (height width channel)"', 'axes = "in (channel height width)"'),
        ),
    ),
    # Padding
    Planted(
        "symmetric_padding",
        "keras_io",
        "posterior_mean",
        torch=(("F.pad(x, (0, 1, 0, 1))", "F.pad(x, (1, 1, 1, 1))"),),
        keras=(
            (
                "layers.Conv2D(width, **same)",
                'layers.Conv2D(width, **{**same, "padding": "valid"})',
            ),
            (
                "for layer in [*self.conv, ",
                "for layer in [*(s for c in self.conv for s in (layers.ZeroPadding2D(1), c)), ",
            ),
        ),
    ),
    Planted(
        "symmetric_padding_of_the_decoder",
        "keras_io",
        "decoder_logits",
        torch=(("[..., :-1, :-1]", "[..., 1:, 1:]"),),
        keras=(
            (
                "layers.Conv2DTranspose(width, **same)",
                'layers.Conv2DTranspose(width, **{**same, "padding": "valid"})',
            ),
            ("*self.deconv, ", "*(s for d in self.deconv for s in (d, layers.Cropping2D(((1, 0), (1, 0))))), "),
        ),
    ),
    # A dropped bias
    Planted(
        "no_bias_of_the_mean",
        "pytorch_examples",
        "posterior_mean",
        torch=(("return self.fc21(h1)", "return F.linear(h1, self.fc21.weight)"),),
        keras=(("return self.fc21(h1)", "return h1 @ self.fc21.kernel"),),
    ),
    Planted(
        "no_bias_of_the_log_variance",
        "kingma_welling_2013",
        "posterior_log_variance",
        torch=(("h @ self.W_5.T + self.b_5", "h @ self.W_5.T"),),
        keras=(("h @ ops.transpose(self.W_5) + self.b_5", "h @ ops.transpose(self.W_5)"),),
    ),
    # z = μ
    Planted(
        "z_is_μ",
        "kingma_welling_2013",
        "latent",
        torch=(("return μ + torch.exp(log_σ2 / 2) * ε", "return μ + 0 * ε"),),
        keras=(("return μ + ops.exp(log_σ2 / 2) * ε", "return μ + 0 * ε"),),
    ),
    Planted(
        "z_is_mu",
        "pytorch_examples",
        "latent",
        torch=(("return mu + eps * std", "return mu"),),
        keras=(("return mu + eps * std", "return mu"),),
    ),
    # One element that is no number, which nothing that is computed later shows
    Planted(
        "one_nan_in_the_kl",
        "pytorch_examples",
        "kl",
        torch=(('"KLD": KLD', '"KLD": torch.cat([KLD[:-1], KLD[-1:] * torch.nan])'),),
        keras=(('"KLD": KLD', '"KLD": ops.concatenate([KLD[:-1], KLD[-1:] * float("nan")])'),),
    ),
    Planted(
        "one_nan_in_the_logits",
        "keras_io",
        "decoder_logits",
        torch=(
            (
                '"reconstruction_logits": logits',
                '"reconstruction_logits": torch.where(logits == logits.min(), torch.nan, logits)',
            ),
        ),
        keras=(
            (
                '"reconstruction_logits": logits',
                '"reconstruction_logits": ops.where(logits == ops.min(logits), float("nan"), logits)',
            ),
        ),
    ),
    # Reductions of the published objective
    Planted(
        "last_batch_scaled_by_the_nominal_size",
        "kingma_welling_2013",
        "objective",
        torch=(("M = x.shape[0]\n", "M = 100\n"),),
        keras=(("return N * ops.mean(L_B)", "return N / 100 * ops.sum(L_B)"),),
    ),
    Planted(
        "last_batch_divided_by_the_nominal_size",
        "keras_io",
        "objective",
        torch=(
            (
                'return self.quantities(data, epsilon)["total_loss"].mean()',
                'return self.quantities(data, epsilon)["total_loss"].sum() / 128',
            ),
        ),
        keras=(
            (
                'return ops.mean(self.quantities(data, epsilon)["total_loss"])',
                'return ops.sum(self.quantities(data, epsilon)["total_loss"]) / 128',
            ),
        ),
    ),
    Planted(
        "objective_is_a_mean",
        "kingma_welling_2019",
        "objective",
        torch=(('["L_θφ"].sum()  # (2.13)', '["L_θφ"].mean()'),),
        keras=(('return ops.sum(self.quantities(x, ε)["L_θφ"])', 'return ops.mean(self.quantities(x, ε)["L_θφ"])'),),
    ),
    # Detached gradients: every value is right
    Planted(
        "sd_detached",
        "pytorch_examples",
        _FIRST_GRADIENT,
        torch=(("return mu + eps * std", "return mu + eps * std.detach()"),),
        keras=(("return mu + eps * std", "return mu + eps * ops.stop_gradient(std)"),),
    ),
    Planted(
        "z_detached",
        "keras_io",
        "gradient/encoder.conv.0.weight",
        torch=(("logits = self.decoder(z)", "logits = self.decoder(z.detach())"),),
        keras=(("logits = self.decoder(z)", "logits = self.decoder(ops.stop_gradient(z))"),),
    ),
    Planted(
        "prior_mean_detached",
        "kingma_welling_2019",
        "gradient/prior.mean",
        torch=(("(μ - self.μ_z)", "(μ - self.μ_z.detach())"),),
        keras=(("(μ - self.μ_z)", "(μ - ops.stop_gradient(self.μ_z))"),),
    ),
    Planted(
        "decoder_hidden_layer_detached",
        "kingma_welling_2013",
        _FIRST_GRADIENT,
        torch=(("return h @ self.W_2.T", "return h.detach() @ self.W_2.T"),),
        keras=(("return h @ ops.transpose(self.W_2)", "return ops.stop_gradient(h) @ ops.transpose(self.W_2)"),),
    ),
)
