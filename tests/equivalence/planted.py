"""Planting an error: an edited copy of a notation in a package of its own, and the problems that it runs on."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from elbostone.notations.registry import notation_folder, packages
from elbostone.reference.problem import Problem
from elbostone.reference.spec import Spec
from elbostone.reference.weights import decoder_slots, random_weights

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
        group: key of `GROUPS`, whose problems it shows on; that of the notation's name, where none is given.
    """

    name: str
    notation: str
    first: str | Mapping[str, str]
    torch: tuple[Edit, ...] = ()
    keras: tuple[Edit, ...] = ()
    toml: tuple[Edit, ...] = ()
    group: str = ""

    @property
    def problems(self) -> str:
        """Key of `GROUPS`."""
        return self.group or self.notation

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
    Spec("mlp", "bernoulli", "standard", "tanh", (5,), 7, 4),
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
_SIZES = ((3, 2), (4, 1), (2, 3))  # batch, samples
_MORE_SAMPLES = ((3, 2), (4, 2), (2, 3))  # of one sample, log of mean is mean of logs, and all draws are one
_FIXED = {"likelihood": "gaussian-fixed", "variance": 0.3}


def _shallow(likelihood: str = "bernoulli", **more: Any) -> tuple[Spec, ...]:
    """The sizes of `_SHALLOW`, of which JAX has compiled much already."""
    sizes = tuple((plain.hidden, plain.data_dim, plain.latent_dim) for plain in _SHALLOW)
    return tuple(Spec(**{**_PLAIN, "likelihood": likelihood, **_sizes(*three), **more}) for three in sizes)


def _sizes(hidden: tuple[int, ...], data: int, latent: int) -> dict[str, Any]:
    return {"hidden": hidden, "data_dim": data, "latent_dim": latent}


_PLAIN: dict[str, Any] = {"network": "mlp", "prior": "standard", "activation": "tanh"}
_LAYERS = ((3, 1), (1, 1), (2, 2))
_VAMP = {"prior": "vamp", "components": 6}


@dataclass(frozen=True)
class Group:
    """What copies of a notation run on: three shapes, with square and rectangular weights.

    Attributes:
        notation: whose copies.
        specs: three.
        sizes: batch and samples of each.
    """

    notation: str
    specs: tuple[Spec, ...]
    sizes: tuple[tuple[int, int], ...] = _SIZES


GROUPS: dict[str, Group] = {
    "kingma_welling_2013": Group("kingma_welling_2013", _SHALLOW),
    "pytorch_examples": Group("pytorch_examples", _SHALLOW),
    "keras_io": Group("keras_io", _CONV),
    "kingma_welling_2019": Group("kingma_welling_2019", _DEEP),
    "kingma_welling_2019_full": Group("kingma_welling_2019", _shallow(posterior="full")),
    "wikipedia": Group("wikipedia", _shallow("gaussian-fixed", variance=1.0, posterior="isotropic")),
    "rezende_2014": Group(
        "rezende_2014",
        tuple(replace(s, latents=layers) for s, layers in zip(_shallow(posterior="rank-one"), _LAYERS, strict=True)),
    ),
    "burda_2016": Group(
        "burda_2016",
        tuple(replace(s, chain=layers) for s, layers in zip(_shallow(), _LAYERS, strict=True)),
        _MORE_SAMPLES,
    ),
    "altosaar_2016": Group(
        "altosaar_2016",
        tuple(replace(s, data_count=b) for s, (b, _) in zip(_shallow(posterior="free"), _SIZES, strict=True)),
    ),
    "tomczak_welling_2018": Group("tomczak_welling_2018", _shallow(activation="gated", **_VAMP)),
    "higgins_2017": Group("higgins_2017", _shallow(beta=4.0)),
    "kingma_welling_2013_full_vb": Group(
        "kingma_welling_2013_full_vb", _shallow(decoder_weights="posterior", data_count=50), _MORE_SAMPLES
    ),
    # One size, so that the encoder's weights fit the decoder
    "prince_2023": Group(
        "prince_2023",
        tuple(Spec(**{**_PLAIN, **_FIXED, **_sizes((size,), size, size)}) for size in (4, 3, 5)),
    ),
}


def problems_of(group: str) -> list[Problem]:
    """Three problems on which each error planted in a group's notation shows."""
    found = []
    for number, (spec, (batch, samples)) in enumerate(zip(GROUPS[group].specs, GROUPS[group].sizes, strict=True)):
        generator = np.random.default_rng((2013, number))
        x = generator.random((batch, spec.data_dim))
        x = x if number == 1 else x.round()
        noise = generator.standard_normal((samples, batch, spec.latent_dim))
        drawn = decoder_slots(spec) if spec.decoder_weights == "posterior" else []
        weight_noise = {slot.name: generator.standard_normal((samples, *slot.shape)) for slot in drawn}
        weights = random_weights(spec, 100 + number)
        found.append(Problem(f"{group}-{number}", spec, x, noise, weights, weight_noise))
    return found
