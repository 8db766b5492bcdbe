"""The answer: one typed object with the fields of its JSON, whose words and units `docs` of each field give."""

from __future__ import annotations

from typing import Any

import msgspec

SCHEMA = 1


class Number(msgspec.Struct, frozen=True):
    """A number that may be an expression.

    Attributes:
        expression: Python over N (batch), D (observed values per datum), J (latent values per datum), k (draws), T
            (list entries) and the entry's own arguments; where it differs by region, `A where condition, else B`.
        at: the values that are known.
        value: its value there; None where a name has none; a list where it differs by region.
    """

    expression: str
    at: dict[str, float]
    value: float | list[float | None] | None


class Coefficients(msgspec.Struct, frozen=True):
    """loss = recon · R + kl · K + constant; None where no such number exists."""

    recon: str | None
    kl: str | None
    constant: str | None


class Region(msgspec.Struct, frozen=True):
    """Where a loss that is affine piece by piece has which coefficients."""

    where: str
    coefficients: Coefficients
    residual: float


class Bug(msgspec.Struct, frozen=True):
    """What is wrong, by the experiment that showed it.

    Attributes:
        name: the kind of fault.
        edit: the edit of a known formula that explains what was measured; None where no formula is edited.
        where: the part of the formula, in the user's names.
        sentence: what is wrong, in one sentence.
        residual_with_edit: relative residual of the edited formula.
        residual_without: that of the formula without the edit.
    """

    name: str
    sentence: str
    edit: str | None = None
    where: str | None = None
    residual_with_edit: float | None = None
    residual_without: float | None = None


class Finding(msgspec.Struct, frozen=True):
    """What a right loss may have too."""

    name: str
    sentence: str


class Threshold(msgspec.Struct, frozen=True):
    """A kink of `term` at `at`, for each `per`; `gradient_below` is the slope below it, relative to that above."""

    term: str
    argument: str
    kind: str
    at: str
    per: str
    gradient_below: float | None = None


class Limit(msgspec.Struct, frozen=True):
    """From which input on the value is wrong in a dtype.

    Attributes:
        argument: the user's name.
        dtype: float32, float16 or bfloat16.
        side: `above` or `below`.
        at: the input.
        what: `infinite`, `nan`, or `digits` where half of them are lost against float64.
    """

    argument: str
    dtype: str
    side: str
    at: float
    what: str


class Change(msgspec.Struct, frozen=True):
    """An edit of one line of the user's source; what the edited loss was shown to be, and the weight of its KL."""

    file: str
    line: int
    before: str
    after: str
    then: str
    beta: str


class Logged(msgspec.Struct, frozen=True):
    """What an untrained model prints on the user's data, and its canonical negative ELBO on the same tensors.

    Attributes:
        printed: the mean of its own number over batches.
        nats_per_datum: −log p(x|z) + KL, all constants kept; a squared error's at the decoder variance that the
            loss's own normaliser says, else at 1.
        bits_per_dimension: the same, over D·log 2.
        rows: so many of the data.
    """

    printed: float
    nats_per_datum: float
    bits_per_dimension: float
    rows: int


class Experiment(msgspec.Struct, frozen=True):
    """What was tried, what it showed, at which sizes, in how many calls of the loss, and what it left unexplained."""

    name: str
    shows: str
    sizes: list[str]
    calls: int
    residual: float | None


class Residual(msgspec.Struct, frozen=True):
    """The largest deviation of the formula on fresh inputs, relative to its terms, and what rounding explains."""

    relative: float
    allowed: float


class Nearest(msgspec.Struct, frozen=True):
    """Which published notations have this objective, or the nearest one and in what it differs."""

    equal: list[str]
    nearest: str | None
    differs_in: list[str]


class State(msgspec.Struct, frozen=True):
    """Whether two calls with the same arguments agree, and whether the object changed between them."""

    deterministic: bool
    stateful: bool
    training_changes_it: bool | None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a loss computes. Every statement carries its experiment; what was not determined is listed as such."""

    schema: int = SCHEMA
    entry: str
    framework: str
    sentence: str
    formula: str
    roles: dict[str, str]
    affine: bool | None
    sense: str | None
    data_reduction: str | dict[str, str] | None
    pixel_reduction: str | None
    latent_reduction: str | None
    likelihood: str | None
    likelihood_name: str | None = None
    coefficients: Coefficients | None
    regions: list[Region] | None = None
    beta_effective: Number | None
    implied_variance: Number | None
    constant_nats_per_datum: Number | None
    constants_dropped: list[str]
    scale_kind: str | list[str] | None
    kl: str | None
    nearest_notation: Nearest | None = None
    bug: Bug | None
    findings: list[Finding]
    change: Change | None = None
    parameters: dict[str, dict[str, Any]]
    state: State
    thresholds: list[Threshold]
    limits: list[Limit] = []
    terms: dict[str, str]
    working_dtype: str
    residual: Residual | None
    undetermined: list[str]
    logged: Logged | None = None
    experiments: list[Experiment]
    seconds: float = 0.0

    @property
    def bends(self) -> list[Threshold]:
        """The thresholds of the objective; a clamp of an argument makes no other objective."""
        return [one for one in self.thresholds if one.kind != "clamp"]
