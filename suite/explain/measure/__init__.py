"""What does the worker do? It imports the user's file, runs the experiments, and appends one record of the outcome."""

from __future__ import annotations

import faulthandler
import inspect
import resource
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

import msgspec

from ...reference.errors import BadInput
from ...workers.records import Append
from ..answer import Answer, Finding
from ..binding import named_sizes
from ..conclusions import conclude
from ..data import loaded
from ..examination import examine, investigate
from ..experiments.flags import others
from ..experiments.limits import limits
from ..experiments.sweep import weights_at
from ..investigation import Investigation
from ..lab import Lab, LossFailed
from ..models.cut import CutLoss, lab_of
from ..models.faults import Faults, ModelFacts
from ..models.fixed import fixed
from ..models.flow import flow_of
from ..models.logged import logged
from ..models.run import Runner, Setting
from ..plan import COUNTS
from ..records import Asked, Explained
from . import guided
from .called import Adapter
from .guard import Misbehaved, differing, failure, print_into_a_file, raised_at, state, watched
from .load import called_of, imported, load, ran
from .mended import change_of
from .runners import model_of
from .subject import Subject

__all__ = ["Asked", "explained", "measure"]

ADAPTERS = {
    "torch": ("on_torch", "TorchLoss"),
    "tensorflow": ("on_tensorflow", "TensorflowLoss"),
    "jax": ("on_jax", "JaxLoss"),
    "numpy": ("on_numpy", "NumpyLoss"),
}
"""Framework → module and class of its adapter."""
_LARGEST_FILE = 64 * 2**20
_MEMORY = 12 * 2**30
_SLOW_S = 8.0
"""CPU seconds after which no other values of flags and no other dtypes are tried."""


def measure(binding: object, asked: Asked, append: Append) -> None:
    """Append one record; the binding is unused, since the user's file imports its own framework."""
    print_into_a_file()
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, _LARGEST_FILE))
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    faulthandler.enable()  # so that a crash, and below a hang, prints the user's line
    if asked.limit_s:
        faulthandler.dump_traceback_later(max(1.0, 0.8 * asked.limit_s), exit=False)
    append(explained(asked))
    faulthandler.cancel_dump_traceback_later()


def explained(asked: Asked) -> Explained:
    """Import the file and explain the loss; an exception of the user's code is an outcome."""
    if asked.keras:
        import_module(".keras_call", __name__).prepare()
    module, name = ADAPTERS[asked.framework]
    adapter = getattr(import_module(f".{module}", __name__), name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with watched():
                namespace = imported(asked.target)
            if asked.guide:
                return _with_guide(adapter, asked, namespace)
            model = model_of(asked, namespace)
            function, source = (None, "") if model is not None else load(asked.name, namespace)
        except BadInput as error:
            return Explained(bad_input=f"{asked.target}:{asked.name}: {error}")
        except Misbehaved as error:
            return Explained(raised=str(error))
        except BaseException as error:
            where = raised_at(error)
            if isinstance(error, AttributeError) and not where:  # the entry names an attribute that does not exist
                return Explained(bad_input=f"{asked.target}:{asked.name}: {error}")
            return Explained(raised=f"{type(error).__name__}: {error}"[:480] + where)
        try:
            if model is not None:
                return Explained(answer=explain_model(*model, asked, namespace))
            assert function is not None
            return Explained(answer=explain(adapter, function, source, asked, namespace))
        except BadInput as error:
            return Explained(bad_input=f"{asked.target}:{asked.name}: {error}")
        except (SystemExit, KeyboardInterrupt) as error:
            return Explained(raised=f"it ends the process: {failure(error)}")
        except Misbehaved as error:
            return Explained(raised=str(error))
        except Exception as error:  # a fault of this package, which the user can only report
            where = raised_at(error, ours=True)
            return Explained(raised=f"an experiment failed: {type(error).__name__}: {error}"[:450] + where)


def _with_guide(adapter: type[Adapter], asked: Asked, namespace: Mapping[str, Any]) -> Explained:
    """The outcome for a model of Pyro or NumPyro and its guide.

    Raises:
        BadInput: the file imports neither library, or model and guide cannot be explained.
    """
    model, guide = guided.pair_of(asked.name, asked.guide, namespace)
    module = next((name for name in ("numpyro", "pyro") if name in sys.modules), None)
    if module is None:
        raise BadInput("--guide: expected a file that imports pyro or numpyro; it imports neither")
    library: guided.Library = import_module(f".on_{module}", __name__).LIBRARY
    shapes = guided.shapes(guided.widths((model, guide), namespace), asked.at, asked.target)
    loss, roles, head = guided.guided(library, model, guide, shapes)
    answer = explain(
        adapter, loss, "", msgspec.structs.replace(asked, arguments={**roles, **asked.arguments}, changed=False), {}
    )
    known: dict[str, Any] = {"findings": [*answer.findings, guided.TERMS]}
    if answer.scale_kind == "sd":
        unknown = ["the scale kind of what the guide's head puts out"] if head is None else []
        known |= {"scale_kind": head, "undetermined": [*answer.undetermined, *unknown]}
    return Explained(answer=msgspec.structs.replace(answer, **known))


def explained_here(function: Callable[..., Any], asked: Asked) -> Explained:
    """Explain a function or a model of torch in this process, for `elbostone.explain`."""
    module, name = ADAPTERS[asked.framework]
    adapter = getattr(import_module(f".{module}", __name__), name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            plain = getattr(function, "__func__", getattr(type(function), "forward", function))
            compiles = asked.framework in ("jax", "tensorflow")  # compiled code would keep an edited helper
            own = {} if compiles else getattr(plain, "__globals__", {})
            if "keras" in sys.modules:
                import_module(".keras_call", __name__).refuse_model(function)
            if asked.framework == "torch":
                torch_model = import_module(".torch_model", __name__)
                subject = torch_model.torch_subject(function)
                if subject is not None:
                    return Explained(answer=explain_model(torch_model.TorchRunner(subject), subject, asked, own))
            if asked.framework == "jax" and (name := getattr(function, "__name__", "")).isidentifier():
                space = {**getattr(inspect.unwrap(function), "__globals__", {}), name: function}
                named = msgspec.structs.replace(asked, name=name)
                of_jax: Callable[..., tuple[Runner, Subject] | None]
                of_jax = import_module(".jax_function", __name__).function_of
                if (model := of_jax(named, space)) is not None:
                    return Explained(answer=explain_model(*model, asked, own))
            return Explained(answer=explain(adapter, *called_of(function), asked, own))
    except (BadInput, LossFailed) as error:
        return Explained(bad_input=f"{asked.name}: {error}")
    except Misbehaved as error:
        return Explained(raised=str(error))


def explain(
    adapter: type[Adapter], function: Callable[..., Any], source: str, asked: Asked, namespace: Mapping[str, object]
) -> Answer:
    """The answer for an imported loss.

    Args:
        adapter: the adapter of its framework.
        function: the loss.
        source: its source text; empty if there is none.
        asked: the request.
        namespace: the globals of its file; functions in it may be edited to find a change.

    Raises:
        BadInput: the loss cannot be called, or an option names an unknown argument.
    """
    loss, before, began = adapter(function), state(), time.process_time()
    found = investigate(loss, function, source, asked.arguments, asked.set)
    in_dtypes = (asked.changed or asked.guide) and time.process_time() - began < _SLOW_S
    found.limits = limits(found.lab) if in_dtypes else []
    answer = concluded(found, asked)
    findings = [*answer.findings, *_side_effects(loss, differing(before, state()))]
    otherwise = {name: dict[str, str]() for name in answer.parameters}
    for name, value in others(source, found.lab.parameters):
        slow = time.process_time() - began > _SLOW_S
        otherwise[name][repr(value)] = "It was not tried." if slow else _otherwise(found, asked, name, value)
    parameters = {
        name: {**shown, "otherwise": otherwise[name]} if otherwise[name] else shown
        for name, shown in answer.parameters.items()
    }
    for name, steps in asked.sweep.items():
        if name in parameters and (answer.beta_effective is None or answer.bug is not None):
            parameters[name] = {**parameters[name], "weights": weights_at(found, name, steps)}
    change = change_of(
        found,
        answer,
        asked,
        lambda: ran(lambda: found.lab.terms(found.lab.draw(0)), function, namespace),
        lambda: replace(found.lab, parameters=found.lab.binding.parameters),
        lambda lab: concluded(examine(lab, asked.set), asked),
    )
    seconds = round(time.time() - asked.started, 1)
    return msgspec.structs.replace(answer, parameters=parameters, change=change, findings=findings, seconds=seconds)


def _side_effects(loss: Adapter, shared: list[str]) -> list[Finding]:
    """Notes on arguments and global settings that a call of the loss changes."""
    findings = []
    if loss.in_place:
        names = ", ".join(f"`{name}`" for name in sorted(loss.in_place))
        findings.append(Finding("in-place", f"The loss changes {names} in place, and so the caller's tensor."))
    if shared:
        findings.append(Finding("global-state", f"Calling the loss changes {', '.join(shared)} for the whole process."))
    return findings


def _otherwise(found: Investigation, asked: Asked, name: str, value: object) -> str:
    """The sentence of the loss at another value of a flag."""
    try:
        return concluded(examine(found.lab.at(parameters={name: value}), {**asked.set, name: value}), asked).sentence
    except Exception as error:  # the loss may return other terms at this value
        return f"It is not explained: {error if isinstance(error, LossFailed) else failure(error)}."


def concluded(found: Investigation, asked: Asked, model: Faults | None = None) -> Answer:
    """The answer to the results of experiments, at the requested sizes and values.

    Raises:
        BadInput: an option names an unknown size or argument.
    """
    own = found.lab.binding.parameters
    for option, given, names in (("--at", asked.at, [*own, *COUNTS]), ("--set", asked.set, [*own])):
        for name in given:
            if name not in names:
                raise BadInput(f"{option} {name}: expected {', '.join(names) or 'none'}; the loss has no '{name}'")
    known = {**asked.at, **{n: float(v) for n, v in asked.set.items() if isinstance(v, int | float)}}
    return conclude(found, f"{asked.target}:{asked.name}", known, time.time() - asked.started, model)


def explain_model(model: Runner, subject: Subject, asked: Asked, namespace: dict[str, Any]) -> Answer:
    """The answer for a whole model: its loss as a function of its own tensors, and the faults that only a model shows.

    Args:
        model: runs the model.
        subject: the model and its call.
        asked: the request.
        namespace: the globals of its file; functions in it may be edited to find a change.

    Raises:
        BadInput: the model cannot be run, or its tensors are not found.
    """

    def bound() -> Lab:
        return lab_of(model, flow_of(model), asked.set)

    def examined(lab: Lab, *, in_dtypes: bool = False) -> tuple[Investigation, Answer]:
        found, loss = examine(lab, asked.set), lab.loss
        assert isinstance(loss, CutLoss)
        if in_dtypes and time.process_time() - began < _SLOW_S:
            found.limits = limits(found.lab)
        return found, concluded(found, asked, ModelFacts(model, loss.flow, lab, found, frozen).faults())

    began = time.process_time()
    lab = bound()
    loss = lab.loss
    assert isinstance(loss, CutLoss)
    x = loss.flow.run.x
    if fixed(model, loss.flow):  # a model that takes one size only has a known D and J
        sized = named_sizes(lab.sizes, lab.binding.layout)
        asked = msgspec.structs.replace(asked, at={"D": sized["D"], "J": sized["J"], **asked.at})
    frozen = import_module(".keras_fit", __name__).frozen(subject, namespace, x) if asked.keras else None
    found, answer = examined(lab, in_dtypes=True)
    own = {**namespace, "": type(subject.owner)}
    change = change_of(
        found,
        answer,
        asked,
        lambda: ran(lambda: model.run(x, Setting()), None, own),
        lambda: replace(bound(), total=found.lab.total),
        lambda lab: examined(lab)[1],
    )
    own_variance = (
        answer.implied_variance.value if answer.implied_variance and answer.likelihood == "gaussian" else None
    )
    variance = own_variance if isinstance(own_variance, float) else 1.0
    printed = logged(found, loss, variance, loaded(asked.data)) if asked.data else None
    return msgspec.structs.replace(answer, change=change, logged=printed)
