"""Do the user's data lie in the support of the loss's likelihood?"""

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
    """The array [N, …] of a .npy file, or scikit-learn's grey digits [N, 64] for the text `digits`.

    Raises:
        BadInput: the file does not exist, is no .npy file, or holds no numbers of [N, …].
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
    """The size D of the data [N, …]. The number of data is no batch size, so N is left open."""
    return {"D": float(np.prod(data.shape[1:]))}


def checked(answer: Answer, data: Data) -> Answer:
    """The answer with a fault if the data [N, …] leave the likelihood's support, and with notes on the values."""
    fault = _outside(answer.likelihood, data)
    findings = [*answer.findings, *_notes(answer.likelihood, data)]
    if fault is None or answer.bug is not None:
        said = [] if fault is None else [Finding("support", fault)]
        return msgspec.structs.replace(answer, findings=[*findings, *said])
    return msgspec.structs.replace(answer, bug=Bug("support", fault, where="data"), sentence=fault, findings=findings)


def _outside(likelihood: str | None, data: Data) -> str | None:
    """Why the data are outside of the likelihood's support, in a sentence; None if they are inside."""
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
    """Notes on grey values, constant values and padding, which are no faults."""
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
    """The share of time steps of series [N, S, A] after the last nonzero step; 0 if all series are equally long."""
    if data.ndim != 3:
        return 0.0
    filled = np.any(data != 0, axis=2)
    lengths = filled.shape[1] - np.argmax(filled[:, ::-1], axis=1)
    lengths[~filled.any(axis=1)] = 0
    return 0.0 if len(set(lengths)) < 2 else float(1 - lengths.mean() / filled.shape[1])


def _share(chosen: NDArray[np.bool_]) -> str:
    return f"{100 * float(chosen.mean()):.3g} %"
