"""The user's data against the support of the likelihood that their loss has."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..reference.data import digits
from ..reference.errors import BadInput
from .answer import Answer, Bug, Finding

Data = NDArray[np.float64]
_COUNTS = ("poisson", "negative-binomial", "zero-inflated-negative-binomial")
_UNIT = ("bernoulli-probabilities", "bernoulli-logits", "continuous-bernoulli")


def loaded(text: str) -> Data:
    """`digits` (those of scikit-learn, grey), or the array of a .npy file.

    Raises:
        BadInput: there is no such file, or it holds no numbers along a batch axis.
    """
    if text == "digits":
        return np.asarray(digits(binarised=False))
    path = Path(text)
    if not path.is_file():
        raise BadInput(f"--data {text}: expected a .npy file, or digits; there is none")
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise BadInput(f"--data {text}: expected an array in NumPy's format; {error}") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "buif" or array.ndim < 2 or not array.size:
        found = f"{array.dtype}, shape {list(array.shape)}" if isinstance(array, np.ndarray) else "an archive"
        raise BadInput(f"--data {text}: expected numbers of shape [N, …]; found {found}")
    return array.astype(np.float64)


def sizes(data: Data) -> dict[str, float]:
    """D of the data. N is the batch's, which a file of data does not say."""
    return {"D": float(np.prod(data.shape[1:]))}


def checked(answer: Answer, data: Data) -> Answer:
    """The answer with what the data show: a fault where they are outside of the support, notes where they are not."""
    fault = _outside(answer.likelihood, data)
    findings = [*answer.findings, *_notes(answer.likelihood, data)]
    if fault is None or answer.bug is not None:
        said = [] if fault is None else [Finding("support", fault)]
        return msgspec.structs.replace(answer, findings=[*findings, *said])
    return msgspec.structs.replace(answer, bug=Bug("support", fault, where="data"), sentence=fault, findings=findings)


def _outside(likelihood: str | None, data: Data) -> str | None:
    """What is wrong with data under a likelihood; None where nothing is."""
    if not np.all(np.isfinite(data)):
        return f"The data are not all finite: {_share(~np.isfinite(data))} of the values are NaN or infinite."
    low, high = f"{data.min():.6g}", f"{data.max():.6g}"
    if likelihood in _UNIT and (data.min() < 0 or data.max() > 1):
        outside = _share((data < 0) | (data > 1))
        scaled = " divide them by 255" if data.min() >= 0 and 1 < data.max() <= 255 else " rescale them, or a Gaussian"
        return (
            f"The data are outside of the support of the {likelihood}, [0, 1]: they go from {low} to {high} "
            f"({outside} of the values are outside), so the loss has no lower bound:{scaled}."
        )
    if likelihood in _COUNTS and (data.min() < 0 or np.any(data != np.rint(data))):
        odd = _share((data < 0) | (data != np.rint(data)))
        return f"The data are no counts: they go from {low} to {high}, and {odd} of the values are none."
    return None


def _notes(likelihood: str | None, data: Data) -> list[Finding]:
    """What a right loss may have too: grey values, constant values, padding."""
    notes = []
    inside = (data > 0) & (data < 1)
    unit = likelihood in _UNIT and data.min() >= 0 and data.max() <= 1
    if unit and likelihood != "continuous-bernoulli" and inside.any():
        p = data[inside]
        entropy = float(-(p * np.log(p) + (1 - p) * np.log(1 - p)).sum()) / len(data)
        notes.append(
            Finding(
                "grey-values",
                f"{_share(inside)} of the values lie between 0 and 1: under a Bernoulli likelihood the data term "
                f"cannot go below {entropy:.4g} nats per datum, and is no log likelihood of such values.",
            )
        )
    flat = data.reshape(len(data), -1)
    constant = np.ptp(flat, axis=0) == 0
    if len(flat) > 1 and constant.any():
        notes.append(
            Finding(
                "constant-values",
                f"{_share(constant)} of the {flat.shape[1]} values per datum are the same in all {len(flat)}.",
            )
        )
    padding = _padding(data)
    if padding > 0:
        notes.append(
            Finding(
                "padding",
                f"{100 * padding:.3g} % of the steps are zero to the end of their sequence: without a mask they "
                "count as data.",
            )
        )
    return notes


def _padding(data: Data) -> float:
    """The share of steps of [N, S, A] that are zero from there to the end, where lengths differ."""
    if data.ndim != 3:
        return 0.0
    filled = np.any(data != 0, axis=2)
    lengths = filled.shape[1] - np.argmax(filled[:, ::-1], axis=1)
    lengths[~filled.any(axis=1)] = 0
    return 0.0 if len(set(lengths)) < 2 else float(1 - lengths.mean() / filled.shape[1])


def _share(chosen: NDArray[np.bool_]) -> str:
    return f"{100 * float(chosen.mean()):.3g} %"
