"""Where the published form (sigmoid, then cross-entropy) leaves the likelihood, as its records say."""

from pathlib import Path

import numpy as np
from equivalence.cells import run_and_judge

from elbostone.backends.table import BACKENDS
from elbostone.equality.clamp import DEPARTURE, STEP
from elbostone.notations.registry import notations
from elbostone.workers.selection import Selection

CASE = Path(__file__).parent.parent / "exact/binary-relu-many-samples.json"
PUBLISHED = tuple(n for n in notations().values() if n.methods.quantities_as_published is not None)

# torch's binary_cross_entropy holds log σ(a) at −100. In float32 it gets there early: e^−a overflows at a < −88.72, so
# that σ(a) is 0, and its logarithm of −∞ becomes −100.
TORCH_X1 = {"float64": 100 + DEPARTURE, "float32": 128 * np.log(2)}
# For a pixel of 0 the probability is near 1, and 1 − σ(a) loses its digits long before it is 0: 1 + e^−a is rounded by
# up to eps/2, which moves log(1 − σ(a)) by e^a · eps/2: by DEPARTURE a little later, as few logits round that badly.
ROUNDING_X0 = {dtype: np.log(DEPARTURE / (np.finfo(dtype).eps / 2)) for dtype in ("float64", "float32")}
# Keras clips probabilities to [1e-7, 1 − 1e-7] on the JAX and torch backends. On TensorFlow it does so as well, but the
# output of a sigmoid of Keras carries its logits (`_keras_logits`), and these are scored instead.
KERAS = -np.log(1e-7) + DEPARTURE
# The code of the VampPrior clamps probabilities to [1e-5, 1 − 1e-5] itself, in every backend.
VAMP = -np.log(1e-5) + DEPARTURE


def test_the_published_form_leaves_the_likelihood_where_its_library_clamps(backend: str, tmp_path: Path) -> None:
    dtypes = BACKENDS[backend].dtypes
    selection = Selection(PUBLISHED, (backend,), "cpu", dtypes, ("eager", "published"), gradients=False)
    _, records = run_and_judge(tmp_path, [CASE], selection)
    assert [record.status for record in records] == ["ok"] * len(records), records
    published = [record for record in records if record.cell.mode == "published"]
    assert len(published) == len(PUBLISHED) * len(dtypes)
    assert not any(record.clamp_logit for record in records if record.cell.mode != "published")
    for record in published:
        clamp, dtype = record.clamp_logit, record.cell.dtype
        where = f"{backend} {record.cell.notation} {dtype}: {clamp}"
        if record.cell.notation == "tomczak_welling_2018":
            assert VAMP <= clamp["x1"] <= VAMP + STEP, where
            # in float32 1 − σ(a) has two digits left here, and may leave a little earlier
            assert VAMP - (dtype == "float32") <= clamp["x0"] <= VAMP + STEP, where
            continue
        if backend == "keras-tensorflow":
            assert clamp == {"x1": None, "x0": None}, where
            continue
        x1 = TORCH_X1[dtype] if backend == "torch" else KERAS
        assert x1 <= clamp["x1"] <= x1 + STEP, where
        if backend != "torch" and dtype != "float32":
            assert KERAS <= clamp["x0"] <= KERAS + STEP, where
        else:
            assert ROUNDING_X0[dtype] <= clamp["x0"] <= ROUNDING_X0[dtype] + 1, where
