"""Initial weights that a source prints, or that a file has chosen: every other proof puts its own in their place."""

from fnmatch import fnmatch
from importlib import import_module
from typing import NamedTuple

import numpy as np
import pytest

from elbostone.backends import open_binding
from elbostone.backends.table import BACKENDS
from elbostone.notations.registry import notations, packages
from elbostone.notations.weight_maps import weight_maps
from elbostone.reference.parsing import parse_spec

FULL_VB = "kingma_welling_2013_full_vb"
SIZES = {"network": "mlp", "hidden": [300], "data_dim": 280, "latent_dim": 40, "data_count": None}
PLAIN = {"likelihood": "bernoulli", "prior": "standard", "activation": "tanh"}
WEIGHTS = {"decoder_weights": "posterior", "data_count": 500}
BOTH = WEIGHTS | {"posterior": "free", "likelihood": "gaussian"}


class Start(NamedTuple):
    """Weights by pattern of their canonical names, and the mean and standard deviation that they start with."""

    notation: str
    fields: dict
    pattern: str
    mean: float
    deviation: float


STARTS = [
    Start("kingma_welling_2013", {}, "*", 0.0, 0.1),  # section 5: N(0, 0.01)
    Start(FULL_VB, WEIGHTS, "encoder.*", 0.0, 0.1),
    Start(FULL_VB, WEIGHTS, "decoder.*.mean", 0.0, 0.1),
    Start(FULL_VB, WEIGHTS, "decoder.*.log_variance", np.log(0.01), 0.0),
    Start("blei_2017", BOTH, "posterior.mean", 0.0, 0.1),
    Start("blei_2017", BOTH, "posterior.log_variance", 0.0, 0.0),
    Start("blei_2017", BOTH, "decoder.hidden.0.weight.mean", 0.0, 40**-0.5),
    Start("blei_2017", BOTH, "decoder.mean.weight.mean", 0.0, 300**-0.5),
    Start("blei_2017", BOTH, "decoder.*.log_variance", -6.0, 0.0),
    Start("tomczak_welling_2018", {}, "encoder.hidden.0.weight", 0.0, (2 / 280) ** 0.5),  # its code's he_init
    Start("tomczak_welling_2018", {}, "encoder.mean.weight", 0.0, (2 / 300) ** 0.5),
    Start("tomczak_welling_2018", {"prior": "vamp", "components": 60}, "prior.pseudo_inputs", 0.05, 0.01),
]


@pytest.mark.parametrize("start", STARTS, ids=lambda start: f"{start.notation}-{start.pattern}")
@pytest.mark.parametrize(
    "backend", [pytest.param(name, marks=pytest.mark.backend(name)) for name in ("torch", "keras-torch")]
)
def test_weights_start_as_the_source_or_the_file_says(backend: str, start: Start) -> None:
    """Within six standard errors of a sample's mean and deviation."""
    notation = notations()[start.notation]
    spec = parse_spec({name: v for name, v in (SIZES | PLAIN | start.fields).items() if v is not None}, "start")
    binding, framework = open_binding(backend, "cpu"), BACKENDS[backend].framework
    module = import_module(f"{packages()[notation.id]}.{framework}_vae")
    model = binding.construct(getattr(module, notation.model_class), notation.model_arguments(spec), "float64")
    paths = [m.path for name, m in weight_maps(notation, framework, spec).items() if fnmatch(name, start.pattern)]
    assert paths
    for path, values in binding.get_weights(model, paths).items():
        error = 6 * start.deviation / values.size**0.5
        assert values.mean() == pytest.approx(start.mean, abs=error + 1e-6), path
        if values.size > 1000:
            assert values.std() == pytest.approx(start.deviation, abs=error + 1e-6), path
