"""What does an answer say? One struct whose fields are those of `--json`; the docstrings give their words and units."""

from __future__ import annotations

from typing import Any

import msgspec

SCHEMA = 1


class Number(msgspec.Struct, frozen=True):
    """A number, as an expression and as its value at known sizes and arguments.

    Attributes:
        expression: Python over N (batch size), D (observed values per datum), J (latent values per datum), k (draws),
            T (tensors in a list) and the loss's own arguments; `A where CONDITION, else B` if it differs by region.
        at: name → known value, of the names in the expression.
        value: the expression's value; None if a name has no known value; a list, one per region, if regions differ.
    """

    expression: str
    at: dict[str, float]
    value: float | list[float | None] | None


class Coefficients(msgspec.Struct, frozen=True):
    """Expressions of loss = recon · R + kl · K + constant; None for a coefficient that does not exist.

    R is −log p(x|z) in nats, summed over batch and pixels, or ½Σ(x − x̂)² of a squared error, or Σ|x − x̂| of a Laplace.
    K is the KL in nats, summed over batch and latents.
    """

    recon: str | None
    kl: str | None
    constant: str | None


class Region(msgspec.Struct, frozen=True):
    """The coefficients of a piecewise affine loss in one region, and the condition that defines the region."""

    where: str
    coefficients: Coefficients
    residual: float


class Bug(msgspec.Struct, frozen=True):
    """A fault that an experiment showed.

    Attributes:
        name: the kind of fault, a word of the JSON contract.
        sentence: the fault in one sentence.
        edit: the edit of a known formula that explains the measured values; None if no formula is edited.
        where: the affected part of the formula, in the user's names.
        residual_with_edit: relative residual of the edited formula.
        residual_without: relative residual of the formula without the edit.
    """

    name: str
    sentence: str
    edit: str | None = None
    where: str | None = None
    residual_with_edit: float | None = None
    residual_without: float | None = None


class Finding(msgspec.Struct, frozen=True):
    """A note on a property that a correct loss may have too, such as a weight that depends on D."""

    name: str
    sentence: str


class Threshold(msgspec.Struct, frozen=True):
    """A threshold at which a term of the loss changes its slope.

    Attributes:
        term: `recon` or `kl`.
        argument: the user's names of the arguments that cross the threshold.
        kind: `floor`, `mask`, `hinge` or `capacity` of a KL (see `terms.Bend`), or `clamp` of an argument.
        at: the threshold, an expression: in nats of a KL, in the argument's own unit of a clamp.
        per: the unit that is compared with it: `element`, `example`, `latent` or `batch`.
        gradient_below: the slope below the threshold, relative to the slope above it; None of a clamp.
    """

    term: str
    argument: str
    kind: str
    at: str
    per: str
    gradient_below: float | None = None


class Limit(msgspec.Struct, frozen=True):
    """The input from which on the value of the loss is wrong in a dtype.

    Attributes:
        argument: the user's name of the argument.
        dtype: float32, float16 or bfloat16.
        side: `above` or `below`: the side of `at` on which the value is wrong.
        at: the first input with a wrong value.
        what: `infinite`, `nan`, or `digits` if half of the digits differ from the float64 value.
    """

    argument: str
    dtype: str
    side: str
    at: float
    what: str


class Change(msgspec.Struct, frozen=True):
    """An edit of one line of the user's source that makes the loss right.

    Attributes:
        file, line: the file's name, and the line's number.
        before, after: the line without and with the edit.
        then: the sentence of the edited loss, which was explained again.
        beta: the weight of its KL, an expression.
    """

    file: str
    line: int
    before: str
    after: str
    then: str
    beta: str


class Logged(msgspec.Struct, frozen=True):
    """The loss of an untrained model on the user's data, and the negative ELBO of the same tensors.

    Attributes:
        printed: the model's own number, averaged over batches.
        nats_per_datum: −log p(x|z) + KL with all constants. The decoder variance of a squared error is the variance
            in the loss's own normaliser, else 1.
        bits_per_dimension: `nats_per_datum` over D·log 2.
        rows: the number of data that were run.
    """

    printed: float
    nats_per_datum: float
    bits_per_dimension: float
    rows: int


class Experiment(msgspec.Struct, frozen=True):
    """One experiment.

    Attributes:
        name: the experiment.
        shows: its result in words.
        sizes: the sizes of the calls, such as `N=5 D=7 J=3`.
        calls: how often it called the loss.
        residual: the relative deviation from the result; None for an experiment without numbers.
    """

    name: str
    shows: str
    sizes: list[str]
    calls: int
    residual: float | None


class Residual(msgspec.Struct, frozen=True):
    """The formula's largest deviation on fresh inputs, relative to its terms, and the deviation due to rounding."""

    relative: float
    allowed: float


class Nearest(msgspec.Struct, frozen=True):
    """The ids of the notations with this objective; if there are none, the nearest one and the fields that differ."""

    equal: list[str]
    nearest: str | None
    differs_in: list[str]


class State(msgspec.Struct, frozen=True):
    """Determinism and state of the loss.

    Attributes:
        deterministic: whether two calls with the same arguments agree.
        stateful: whether calls with other arguments change a later call with the same arguments.
        training_changes_it: whether evaluation mode runs other operations; None for a loss that is no model.
    """

    deterministic: bool
    stateful: bool
    training_changes_it: bool | None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a loss computes, as experiments showed it; `undetermined` lists what they could not show.

    Attributes:
        schema: the version of the JSON.
        entry: FILE:NAME as the user wrote it.
        framework: torch, tensorflow, jax or numpy.
        sentence: the answer in one sentence: what the loss is, or its fault.
        formula: the loss in the user's argument names.
        roles: argument → role, a word of `glossary.ROLES`.
        affine: whether loss = a·R + b·K + c at fixed sizes and arguments; None if not determined.
        sense: `minimised` or `maximised`.
        data_reduction: of the batch: `none`, `sum` or `mean`; by term where the two terms differ.
        pixel_reduction, latent_reduction: `sum` or `mean`.
        likelihood: a word of `sentences.LIKELIHOODS`; `likelihood_name` distinguishes formulas of one word.
        regions: the coefficients by region, of a piecewise affine loss.
        beta_effective: kl / recon, the weight of the KL in effect.
        implied_variance: the decoder variance at which the KL has weight 1.
        constant_nats_per_datum: the constant, over N times the data term's coefficient.
        constants_dropped: the parts of a normalised density that the loss leaves out, in nats per datum.
        scale_kind: what the argument of the posterior's scale is, such as `log_var`; two tied arguments are a list.
        kl: `analytic`, `sampled`, `absent` or `other`.
        parameters: argument that is no tensor → its default, the values tried, and the quantities that it changes.
        terms: `total` → the names of the returned terms whose sum is explained.
        working_dtype: `float64`, or `float32` if the loss computes in that.
        seconds: from the start of the command to the answer.
    """

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
        """The thresholds of the KL, without the clamps of arguments: only a KL's threshold changes the objective."""
        return [one for one in self.thresholds if one.kind != "clamp"]
