"""Formulas with sums, means, expectations, integrals and gradients, and with matrices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...reference.arithmetic import Array
from ...reference.node import BATCH, COLUMN, LATENT, Node
from .expressions import ATOM, PRODUCT, SUM, Expression
from .leaves import Density
from .tex_letters import powered
from .values import Values

TRANSPOSED = r"{\top}"


@dataclass(frozen=True)
class Over(Expression):
    """Σ of the body, over an index from 1 to a count."""

    body: Expression
    index: str
    count: Expression
    level = PRODUCT

    @property
    def tex(self) -> str:
        return rf"\sum_{{{self.index}=1}}^{{{self.count.tex}}} {self.body.within(PRODUCT)}"


@dataclass(frozen=True)
class OverComponents(Over):
    """Σ over the components of a vector."""

    def value(self, at: Values) -> Node:
        body = self.body.value(at)
        at.require_terms(self.count.value(at), body.shape[LATENT])
        return body.sum(LATENT)


@dataclass(frozen=True)
class OverData(Over):
    """Σ over the data of a batch."""

    def value(self, at: Values) -> Node:
        at.require_terms(self.count.value(at), at.data)
        return self.body.value(at).sum(BATCH)


@dataclass(frozen=True)
class OverDraws(Over):
    """The mean over draws of z."""

    @property
    def tex(self) -> str:
        count, body = self.count.tex, self.body
        inner = body.tex if body.level >= PRODUCT else rf"\left[{body.tex}\right]"
        return rf"\frac{{1}}{{{count}}} \sum_{{{self.index}=1}}^{{{count}}} {inner}"

    def value(self, at: Values) -> Node:
        return at.over_draws(self.body.value)

    def log_value(self, at: Values) -> Node:
        return at.log_over_draws(self.body.log_value)


@dataclass(frozen=True)
class Expected(Expression):
    """E over z, which is drawn from a density; from another than q(z|x) by importance weights."""

    over: Density
    body: Expression
    level = PRODUCT

    @property
    def tex(self) -> str:
        return rf"\mathbb{{E}}_{{{self.over.tex}}}\left[{self.body.tex}\right]"

    def value(self, at: Values) -> Node:
        if self.over.role == "approximate_posterior":
            return at.expected(self.body.value)
        q = "approximate_posterior"
        return at.expected(lambda z: self.body.value(z) * (self.over.log_value(z) - z.log_density(q)).exp())


@dataclass(frozen=True)
class ExpectedOverSets(Expected):
    """E over sets of draws of q(z|x); its body is the log of a mean over the draws of one set.

    Attributes:
        draws: the draws of a set as TeX, from the first to the last.
    """

    draws: str = ""

    @property
    def tex(self) -> str:
        return rf"\mathbb{{E}}_{{{self.draws} \sim {self.over.tex}}}\left[{self.body.tex}\right]"

    def value(self, at: Values) -> Node:
        return at.expected_over_sets(self.body)


@dataclass(frozen=True)
class Divergence(Expression):
    """KL(q ‖ p), in the brackets of the source.

    Attributes:
        form: its TeX around q and p, as a `str.format` of two.
    """

    form: str
    q: Density
    p: Density
    level = ATOM

    @property
    def tex(self) -> str:
        return self.form.format(self.q.tex, self.p.tex)

    def value(self, at: Values) -> Node:
        if self.p.role == "weight_prior":
            return at.quantity("weight_kl")
        if at.quadrature is None and self.p.role == "prior":
            return at.quantity("kl")
        return at.expected(lambda inner: self.q.log_value(inner) - self.p.log_value(inner))


@dataclass(frozen=True)
class Integral(Expression):
    """∫ a dz."""

    body: Expression
    z: str
    level = PRODUCT

    @property
    def tex(self) -> str:
        return rf"\int {self.body.within(PRODUCT)}\, d{self.z}"

    def value(self, at: Values) -> Node:
        return self.log_value(at).exp()

    def log_value(self, at: Values) -> Node:
        return at.log_integral(self.body.log_value)


@dataclass(frozen=True)
class Gradient(Expression):
    """∇ of a bound; `names` are the weights that its subscript covers."""

    letters: tuple[str, ...]
    names: tuple[str, ...]
    body: Expression
    level = PRODUCT

    @property
    def nabla(self) -> str:
        return rf"\nabla_{{{','.join(self.letters)}}}" if self.letters else r"\nabla"

    @property
    def tex(self) -> str:
        return f"{self.nabla} {self.body.within(ATOM if self.body.level == SUM else PRODUCT)}"

    def value(self, at: Values) -> Node:
        return at.gradient(self.body.value, self.names)


@dataclass(frozen=True)
class ExpectedGradient(Expression):
    """E over the noise of ∇ of a function of z, where z = g(ε): as the noise has no weights, ∇ of the expectation."""

    noise: str
    z: str
    transformed: Expression
    gradient: Gradient
    level = PRODUCT

    @property
    def tex(self) -> str:
        at = f"{self.z} = {self.transformed.tex}"
        # Brackets: z is put in before ∇ is taken.
        inner = rf"{self.gradient.nabla} \left[\left.\left({self.gradient.body.tex}\right)\right|_{{{at}}}\right]"
        return rf"\mathbb{{E}}_{{{self.noise}}}\left[{inner}\right]"

    def value(self, at: Values) -> Node:
        return at.gradient(lambda inner: inner.expected(self.gradient.body.value), self.gradient.names)


@dataclass(frozen=True)
class OfMatrix(Expression):
    """A number of a matrix: its trace, or the logarithm of its determinant.

    Attributes:
        before: the operator as TeX.
        element: an element of the diagonal → its term, where the matrix is diagonal.
        whole: [..., row, column] → [...].
    """

    before: str
    matrix: Expression
    element: Callable[[Node], Node]
    whole: Callable[[Array], Array]
    level = PRODUCT

    @property
    def tex(self) -> str:
        return f"{self.before} {self.matrix.within(ATOM)}"

    def value(self, at: Values) -> Node:
        matrix = self.matrix.value(at)
        if len(matrix.shape) == len(at.points["latent"].shape):
            return self.element(matrix).sum(LATENT)
        return Node(at.tape, self.whole(matrix.value))


@dataclass(frozen=True)
class Applied(Expression):
    """A matrix and the vector that it is multiplied with."""

    matrix: Expression
    vector: Expression
    level = PRODUCT

    @property
    def tex(self) -> str:
        return f"{self.matrix.within(ATOM)} {self.vector.within(ATOM)}"

    def value(self, at: Values) -> Node:
        matrix, vector = self.matrix.value(at), self.vector.value(at)
        if len(matrix.shape) == len(vector.shape):  # the diagonal of one
            return matrix * vector
        return (matrix * vector.expand(-2)).sum(COLUMN)


@dataclass(frozen=True)
class SquaredNorm(Expression):
    """aᵀa."""

    vector: Expression
    level = PRODUCT

    @property
    def tex(self) -> str:
        text = self.vector.within(ATOM)
        return f"{powered(text, TRANSPOSED)} {text}"

    def value(self, at: Values) -> Node:
        return (self.vector.value(at) ** 2).sum(LATENT)
