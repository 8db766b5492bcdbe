"""The schema of notation.toml: each table as a typed struct, each field with what it means and what it may hold.

`decode` reads by it, and the reference in docs/notation.md is generated from it (`manual`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct, field

from ..reference.parsing import CONDITIONS
from ..reference.spec import Spec
from ..reference.tensors import BOUNDS, DIAGONAL, MATRIX
from .constants import CONSTANTS, FACTORS, Constant
from .fields import AxisNames, When
from .formulas import Formula
from .roles import ROLES

FRAMEWORKS = ("torch", "keras")
KNOWN = {
    "read": "read in the source's own text, TeX or code",
    "close copy": "read in a transcript, a translation or a text that follows the source line by line",
    "by count": "an equation number that was counted out, in a copy that has the displays without their numbers",
    "memory": "from memory, confirmed nowhere",
}
SPEC_FIELDS = tuple(Spec.__dataclass_fields__)
DROPPED = tuple(f"{sign} {constant}" for constant in CONSTANTS for sign in "+-")


def says(meaning: str, one_of: Iterable[str] = (), example: str = "") -> Meta:
    """The meaning of a field, its allowed words (none for any word), and an example."""
    return Meta(description=meaning, extra={"one_of": tuple(one_of)}, examples=[example] if example else None)


Text = str
Texts = tuple[str, ...]
Returns = Texts | dict[str, Texts]
Known = Annotated[Text | None, says("how it is known, if not as `[source] known` says", KNOWN)]
EqKnown = Annotated[Text | None, says("how its place (`eq`) is known, if not as `[source] eq_known` says", KNOWN)]
WhenField = Annotated[
    When,
    says(
        "words of the specification, in one text, under which this holds; always where it is omitted",
        example="gaussian gaussian-fixed",
    ),
]


class Table(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of notation.toml.

    Attributes:
        implied: the fields that are not in TOML, but implied by where the table is.
    """

    implied: ClassVar[tuple[str, ...]] = ()


class Source(Table, frozen=True):
    """Where the notation was published, and how its facts are known."""

    authors: Annotated[Texts, says("the authors' full names")]
    year: Annotated[int, says("year of publication")]
    title: Annotated[Text, says("title of the source")]
    venue: Annotated[Text, says("journal, conference, book or site")]
    identifier: Annotated[Text, says("arXiv number, DOI, ISBN or address", example="arXiv:1312.6114v11")]
    sections: Annotated[Text, says("the parts of the source that the notation follows")]
    known: Annotated[Text, says("how its printed symbols are known, where no entry says otherwise", KNOWN)]
    eq_known: Annotated[
        Text | None, says("how its equation and section numbers are known; as `known` if omitted", KNOWN)
    ] = None
    equations: Annotated[
        Texts, says("the equation numbers of the source; none if omitted", example='["1.1-1.20", "2.1-2.65"]')
    ] = ()
    note: Annotated[Text, says("prose: what the source leaves open, and its slips")] = ""


class ModelTable(Table, frozen=True):
    """The model class of torch_vae.py and keras_vae.py."""

    class_: Annotated[Text, says("the class in both files", example="VAE")] = field(name="class")
    arguments: Annotated[
        dict[str, Text],
        says(
            "argument of its constructor → field of the specification", (*SPEC_FIELDS, "hidden.0"), 'J = "latent_dim"'
        ),
    ]
    source: Annotated[dict[str, Any], says("the source's own configuration, by field of the specification")] = {}
    names_from: Annotated[Text, says("the framework whose layer attributes the source prints", FRAMEWORKS)] = "torch"


class Supports(Table, frozen=True, dict=True):
    """The specifications that the source defines: for each condition the words that hold."""

    network: Annotated[Texts, says("encoder and decoder networks", CONDITIONS["network"])]
    likelihood: Annotated[Texts, says("families of p(x|z)", CONDITIONS["likelihood"])]
    prior: Annotated[Texts, says("families of p(z)", CONDITIONS["prior"])]
    activation: Annotated[Texts, says("activations of the hidden layers", CONDITIONS["activation"])]
    posterior: Annotated[Texts, says("families of q(z|x)", CONDITIONS["posterior"])] = ("diagonal",)
    decoder_weights: Annotated[
        Texts, says("whether the decoder's weights have a posterior", CONDITIONS["decoder_weights"])
    ] = ("point",)
    latents: Annotated[Texts, says("several layers of latents, and how they are joined", CONDITIONS["latents"])] = (
        "none",
    )
    beta: Annotated[Texts, says("whether the KL may have another weight than 1", CONDITIONS["beta"])] = ("one",)
    depth: Annotated[int | None, says("the largest number of hidden layers; any where it is omitted")] = None
    variances: Annotated[tuple[float, ...] | None, says("the constant decoder variances; any where it is omitted")] = (
        None
    )

    @cached_property
    def words(self) -> dict[str, tuple[str, ...]]:
        """Condition (every key of `spec.CONDITIONS`) → the words that the source defines."""
        return {condition: getattr(self, condition) for condition in CONDITIONS}


class MethodsTable(Table, frozen=True):
    """The names of the model's methods, and what the two networks return."""

    decoder_returns: Annotated[
        Returns, says("codes of the decoder's outputs, in order: one list, or a list per likelihood")
    ]
    encoder_returns: Annotated[
        Returns | None,
        says("codes of the encoder's outputs, in order: one list, or one per posterior; none without encoder"),
    ] = None
    encoder: Annotated[Text, says("takes x, returns the encoder's outputs")] = "encoder"
    decoder: Annotated[Text, says("takes z, returns the decoder's outputs")] = "decoder"
    quantities: Annotated[Text, says("takes x and noise, returns every quantity per datum by its code")] = "quantities"
    objective: Annotated[
        Text, says("takes x and noise (and N, for N/M), returns the published objective, a scalar")
    ] = "objective"
    densities: Annotated[
        Text, says("takes x and z, returns the log densities; needed where a distribution is printed")
    ] = "densities"
    quantities_as_published: Annotated[
        Text | None, says("`quantities` in the arithmetic of the source, where logits replace it")
    ] = None
    objective_as_published: Annotated[
        Text | None, says("`objective` in the arithmetic of the source, where logits replace it")
    ] = None


class Objective(Table, frozen=True):
    """The published objective: how it reduces a bound over the batch."""

    implied = ("method",)

    code: Annotated[Text, says("its symbol")]
    bound: Annotated[Text, says("the bound that it reduces", BOUNDS)] = "elbo"
    sense: Annotated[Text, says("whether it is maximised or minimised", ("maximised", "minimised"))] = "maximised"
    data: Annotated[
        Text, says("over the batch; N/M is the sum times data count over batch size", ("sum", "mean", "N/M"))
    ] = "sum"
    latents: Annotated[Text, says("over the latent dimensions, in its KL", ("sum", "mean"))] = "sum"
    pixels: Annotated[Text, says("over the data dimensions, in its log likelihood", ("sum", "mean"))] = "sum"
    dropped: Annotated[
        tuple[Constant, ...], says("constants per datum that the source leaves out of the bound", DROPPED)
    ] = field(name="constants_dropped", default=())
    beta: Annotated[float | Text, says("weight of the KL: a number, or `beta` for the specification's")] = 1.0
    scale: Annotated[Text | None, says("what the source multiplies it by", FACTORS)] = None
    where: Annotated[Text, says("TeX of what is assumed for it to be this", example=r"\epsilon = 0")] = ""
    count: Annotated[
        Text, says("TeX of the number of all data, a key of `[letters]`, where the source sums over all", example="N")
    ] = ""
    equation: Annotated[Text, says("where the source defines it; where its symbol is defined if omitted")] = field(
        name="eq", default=""
    )
    known: Known = None
    eq_known: EqKnown = None
    method: Text = ""
    """The method that computes it."""


class OtherObjective(Objective, frozen=True):
    """Another form of the objective that the source prints, with a method of its own; keyed by the method's name."""

    when: WhenField = When()


class Symbol(Table, frozen=True):
    """A printed symbol, keyed by its name in the code; a list of tables where it means several things by `when`."""

    implied = ("code",)

    role: Annotated[Text, says("what it means, whatever its letter", ROLES)]
    equation: Annotated[
        Text,
        says(
            "where the source prints it: equation numbers, or a place in words; `none` where it prints no such thing",
            example="section 2.1, 11, 12",
        ),
    ] = field(name="eq")
    tex: Annotated[Text, says("as the source prints it; the code name in typewriter if omitted")] = ""
    axes: Annotated[
        AxisNames, says("its axes, outermost first; those of its role's tensor if omitted", example="batch latent")
    ] = AxisNames()
    scale: Annotated[Text | None, says("for a scale: what of it is printed", (*DIAGONAL, *MATRIX))] = None
    # canonical = sign · published + the dropped constants
    sign: Annotated[int, says("-1 where the source prints the negative")] = 1
    dropped: Annotated[tuple[Constant, ...], says("constants that the source leaves out of it", DROPPED)] = field(
        name="constants_dropped", default=()
    )
    covers: Annotated[
        Texts,
        says(
            "canonical weights (patterns): those in a set, or on which a distribution depends", example='["decoder.*"]'
        ),
    ] = ()
    covers_eq: Annotated[Text | None, says("where the source says what a distribution depends on, if not at `eq`")] = (
        None
    )
    estimate: Annotated[bool, says("for a bound: printed for an estimate by draws, not the exact bound")] = False
    when: WhenField = When()
    known: Known = None
    eq_known: EqKnown = None
    note: Annotated[Text, says("prose")] = ""
    code: Text = ""
    """The key of its table: its identifier in the implementation files."""

    @property
    def kind(self) -> str:
        """The kind of its role."""
        return ROLES[self.role].kind

    @property
    def net(self) -> str:
        """The net of its role."""
        return ROLES[self.role].net

    @property
    def quantity(self) -> str | None:
        """Its key in the model's quantities; None where it is not computed per datum."""
        return self.code if ROLES[self.role].tensor is not None else None

    @property
    def tensor(self) -> str | None:
        """The canonical tensor that its quantity becomes; None where it is compared with none."""
        role = ROLES[self.role]
        return role.scales[self.scale] if self.scale is not None and role.scales else role.tensor


class Place(Table, frozen=True):
    """Where one framework's model keeps a weight."""

    path: Annotated[Text, says("attribute path from the model", example="dense.{i}.kernel")]
    axes: Annotated[Text, says("its axes by name, composite ones in parentheses", example="(height width channel) out")]


class Misprint(Table, frozen=True):
    """A line that the source prints and cannot mean; a list of them. Both formulas are executed.

    A formula is arithmetic in the codes of `[symbols]`: `+ - * / **`, `sum` over the last axis, `mean` over the draws,
    `exp`, `log`, `pi`.
    """

    equation: Annotated[Text, says("where it is printed, as in `[symbols]`")] = field(name="eq")
    symbol: Annotated[Text, says("code of the quantity that the line is for")]
    tex: Annotated[Text, says("as printed")]
    printed: Annotated[Formula, says("the same as a formula, which differs from the quantity", example="μ * ε + σ2")]
    meant: Annotated[Formula, says("the formula that is meant, which equals the quantity")]
    when: WhenField = When()
    known: Known = None
    eq_known: EqKnown = None
    note: Annotated[Text, says("prose")] = ""


class Document(Table, frozen=True):
    """A notation.toml."""

    source: dict[str, Any]
    model: dict[str, Any]
    supports: dict[str, Any]
    methods: dict[str, Any]
    objective: dict[str, Any]
    symbols: dict[str, Any]
    weights: dict[str, Any]
    layout: Annotated[
        dict[str, Text], says("framework → the axes of a batch of images, where the model takes images")
    ] = {}
    other_objectives: Annotated[dict[str, Any], says("method → another form of the objective")] = {}
    names: Annotated[
        dict[str, Text], says("other Greek or subscripted names in the two files → what each is, in prose")
    ] = {}
    letters: Annotated[
        dict[str, Text], says("TeX of other letters that the source prints → what each is, in prose")
    ] = {}
    misprints: Annotated[tuple[dict[str, Any], ...], says("lines that the source prints and cannot mean")] = ()
