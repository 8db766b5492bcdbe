"""How is a model with a guide, of Pyro or NumPyro, explained? As a loss of the parameters at its two sites.

Effect handlers replace the distributions and values at the latent and the observed site. The library's own Trace_ELBO
computes the loss of them, so that scales, plates and other sites count as they stand. The user's networks run on values
of their own sizes, and their outputs are replaced.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...reference.errors import BadInput
from ..answer import Finding
from ..models.head import Runs, head_kind
from ..models.run import Setting
from .guard import failure
from .load import open_names
from .subject import written_widths

TERMS = Finding(
    "elbo-terms",
    "Trace_ELBO computes -log p(x|z) + log q(z|x) - log p(z) at one draw of z; TraceMeanField_ELBO has the analytic "
    "KL in place of the last two.",
)
_RECON = ("logits", "probs", "loc", "rate")
_SCALE = "scale"


@dataclass
class Cut:
    """The replacement of sites in a model or a guide; a handler calls `swap` before a site and `keep` after it.

    Attributes:
        given: site → the distribution and the value that replace its own.
        own: site → the value with which the user's code continues.
    """

    given: Mapping[str, tuple[Any, Any]]
    own: dict[str, Any] = field(default_factory=dict)

    def swap(self, message: dict[str, Any], drawn: Callable[[Any], Any]) -> None:
        """Replace a site's distribution and value; `drawn` draws from a distribution."""
        name = message["name"]
        if name in self.given:
            if name not in self.own:
                self.own[name] = message["value"] if message["value"] is not None else drawn(message["fn"])
            message["fn"], message["value"] = self.given[name]

    def keep(self, message: dict[str, Any]) -> None:
        """Return its own value to the user's code; the trace has recorded the replacement already."""
        if message["name"] in self.given:
            message["value"] = self.own[message["name"]]


@dataclass(frozen=True)
class Library:
    """The functions of Pyro or of NumPyro that are needed here.

    Attributes:
        sites: a model or guide, and its data → name → sample site of one run.
        loss: model, guide, data, replaced sites of the model and of the guide → the loss.
        tensor: an array → a tensor.
        runs: a function of x that returns a tensor, and its owner → a runner of the function.
        compiled: a function → the function, compiled if the library is slow without.
    """

    sites: Callable[[Callable[..., Any], Any], dict[str, dict[str, Any]]]
    loss: Callable[[Callable[..., Any], Callable[..., Any], Any, Mapping[str, Any], Mapping[str, Any]], Any]
    tensor: Callable[[Any], Any]
    runs: Callable[[Callable[[Any], Any], Any], Runs]
    compiled: Callable[[Callable[..., Any]], Callable[..., Any]]


def guided(
    library: Library, model: Callable[..., Any], guide: Callable[..., Any], shapes: list[tuple[int, ...]]
) -> tuple[Callable[..., Any], dict[str, str], str | None]:
    """The loss as a function of the parameters and values at the two sites.

    Args:
        library: Pyro or NumPyro.
        model, guide: the user's.
        shapes: shapes of x to try.

    Returns:
        The function, the roles of its arguments, and the scale kind of the guide's head; None if it is not determined.

    Raises:
        BadInput: they cannot be run, or have other sites than one latent Normal and one observed site.
    """
    shape, in_model, in_guide = _run(library, model, guide, shapes)
    latent, observed = _only("latent", in_guide, model=False), _only("observed", in_model, model=True)
    if latent not in in_model:
        raise BadInput(f"the guide's site '{latent}' is not in the model, which has {', '.join(in_model)}")
    posterior, prior, likelihood = (
        _base(site["fn"]) for site in (in_guide[latent], in_model[latent], in_model[observed])
    )
    for where, one in (("guide", posterior), ("model", prior)):
        if type(one).__name__ != "Normal":
            raise BadInput(f"site '{latent}' of the {where}: expected a Normal; found {type(one).__name__}")
    constant = {name: _number(getattr(prior, name), f"the prior's {name}") for name in ("loc", _SCALE)}
    named = next((name for name in _RECON if name in likelihood.arg_constraints and name in vars(likelihood)), None)
    if named is None:
        raise BadInput(f"site '{observed}': a likelihood {type(likelihood).__name__} is not explained")
    scale = np.asarray(_array(likelihood.scale)) if _SCALE in likelihood.arg_constraints else None
    roles = {f"{observed}_{named}": "recon", observed: "x"}
    if scale is not None and np.ptp(scale):
        roles[f"{observed}_scale"] = "decoder scale"
    roles |= {f"{latent}_loc": "mu", f"{latent}_scale": "posterior scale", latent: "z"}

    def value(**given: Any) -> Any:
        x, z = given[observed], given[latent]
        parameters = {named: given[f"{observed}_{named}"]}
        if scale is not None:
            spread = given.get(f"{observed}_scale")
            parameters[_SCALE] = x * 0 + float(scale.flat[0]) if spread is None else spread
        own = np.random.default_rng(0).uniform(0.1, 0.9, (len(x), *shape[1:]))
        q = type(posterior)(given[f"{latent}_loc"], given[f"{latent}_scale"]).to_event(1)
        p = type(prior)(z * 0 + constant["loc"], z * 0 + constant[_SCALE]).to_event(1)
        data = type(likelihood)(**parameters).to_event(1)
        return library.loss(model, guide, library.tensor(own), {latent: (p, z), observed: (data, x)}, {latent: (q, z)})

    compiled = library.compiled(value)

    def loss(**given: Any) -> Any:
        return compiled(**given)

    either = inspect.Parameter.KEYWORD_ONLY
    loss.__signature__ = inspect.Signature([inspect.Parameter(name, either) for name in roles])  # type: ignore[attr-defined]
    return loss, roles, _head(library, guide, latent, shape)


def _head(library: Library, guide: Callable[..., Any], latent: str, shape: tuple[int, ...]) -> str | None:
    """The scale kind of what the guide's head puts out; None where that cannot be run."""

    def scale(x: Any) -> Any:
        return _base(library.sites(guide, x)[latent]["fn"]).scale

    x = np.random.default_rng(0).uniform(0.1, 0.9, shape)
    try:
        runner = library.runs(scale, getattr(guide, "__self__", guide))
        run = runner.run(x, Setting())
        return head_kind(runner, run, run.returned[0], "sd") if run.returned else "sd"
    except Exception:  # whatever their code raises where it is recorded
        return None


def pair_of(name: str, guide: str, namespace: Mapping[str, Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The model and the guide by name; the guide may be a method of the model's object.

    Raises:
        BadInput: the file has no such name.
    """
    for free in sorted(open_names(name, dict(namespace))):
        raise BadInput(f"the file has no '{free}'")
    model = eval(name, dict(namespace))
    owner = getattr(model, "__self__", None)
    if guide.isidentifier() and guide not in namespace and hasattr(owner, guide):
        return model, getattr(owner, guide)
    for free in sorted(open_names(guide, dict(namespace))):
        raise BadInput(f"--guide: the file has no '{free}'")
    return model, eval(guide, dict(namespace))


def widths(functions: Iterable[Any], namespace: Mapping[str, Any]) -> list[int]:
    """The input widths of torch's linear layers, in the objects of methods and in the namespace."""
    owners = [*(getattr(function, "__self__", None) for function in functions), *namespace.values()]
    modules = [
        m for one in owners if hasattr(one, "named_parameters") and not isinstance(one, type) for m in one.modules()
    ]
    return [module.in_features for module in modules if hasattr(module, "in_features")]


def _run(
    library: Library, model: Callable[..., Any], guide: Callable[..., Any], shapes: list[tuple[int, ...]]
) -> tuple[tuple[int, ...], dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """The first shape of x that model and guide take, and the sites of both.

    Raises:
        BadInput: they take none; the message has the first error.
    """
    first = ""
    for shape in shapes:
        x = library.tensor(np.random.default_rng(0).uniform(0.1, 0.9, shape))
        try:
            return shape, library.sites(model, x), library.sites(guide, x)
        except Exception as error:  # the user's code may raise anything
            first = first or f"x {list(shape)}: {failure(error)}"
    raise BadInput(f"model and guide could not be run: {first}; give the data's size with --at D=784")


def _only(kind: str, sites: Mapping[str, dict[str, Any]], *, model: bool) -> str:
    """The name of the only observed or latent site.

    Raises:
        BadInput: there is none, or several.
    """
    names = [name for name, site in sites.items() if site["is_observed"] is model]
    if len(names) != 1:
        where = "model" if model else "guide"
        raise BadInput(f"the {where}: expected one {kind} site; found {', '.join(names) or 'none'}")
    return names[0]


def _base(distribution: Any) -> Any:
    """The distribution inside of wrappers such as Independent."""
    while hasattr(distribution, "base_dist"):
        distribution = distribution.base_dist
    return distribution


def _array(value: Any) -> Any:
    """A tensor without its history."""
    return value.detach() if hasattr(value, "detach") else value


def _number(value: Any, what: str) -> float:
    """The number that all elements of a tensor are.

    Raises:
        BadInput: they differ.
    """
    array = np.asarray(_array(value))
    if np.ptp(array):
        raise BadInput(f"{what}: expected one number for all latents; it has several")
    return float(array.flat[0])


def shapes(widths: list[int], at: Mapping[str, float], file: str) -> list[tuple[int, ...]]:
    """The shapes of x to try, of batch size 5: the user's D, widths of layers, usual images, integers of the file."""
    sizes = [int(at[name]) for name in ("D",) if name in at] + [*widths, 7, 784]
    images = [(5, 1, 28, 28), (5, 3, 32, 32), (5, 28, 28)]
    return [(5, size) for size in dict.fromkeys(sizes)] + images + [(5, size) for size in written_widths(file)]
