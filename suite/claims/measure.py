"""Claims in a worker: run the notation's own code on each probe, and keep everything that it returned."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

from ..backends import Binding
from ..notations.notation import Notation, Objective
from ..notations.reader import load_notation
from ..notations.weight_maps import published_weights, weight_maps
from ..reference.errors import BadInput
from ..reference.lifting import lifted
from ..reference.problem import save_tensors
from ..workers.evaluation import inputs
from ..workers.records import Append, number
from ..workers.subject import DATA_COUNT, Subject
from ..workers.tasks import TasksAsked, active_of, run_each
from .dependency import dependency_of
from .facts import ClaimsRecord, ClaimsTask, Facts, Failure, Slope, as_json
from .numbers import numbers_seen
from .ordinary import at, draws_of, named_outputs, ordinary_use, sizes_given
from .probes import Probe, probes
from .slopes import slopes_of

Asked = TasksAsked[ClaimsTask]
T = TypeVar("T")
Arguments = tuple[Any, ...]
DTYPE = "float64"
#: Conditions whose words change the set of weights, or the outputs that depend on them.
REWIRED = ("network", "likelihood", "prior", "posterior", "decoder_weights", "latents")


class Unexecuted(Exception):
    """A claim that cannot be executed: its field and why."""

    def __init__(self, field: str, reason: str):
        super().__init__(reason)
        self.field = field


def measure(binding: Binding, asked: TasksAsked[ClaimsTask], append: Append) -> None:
    """Gather the facts of all cells, and write their tensors to the requested folder."""
    run_each(binding, asked.tasks, partial(_record, binding, Path(asked.tensors)), append)


def _record(binding: Binding, folder: Path, task: ClaimsTask) -> ClaimsRecord:
    cell = task.cell
    notation = load_notation(Path(task.notation_file), cell.notation)
    facts = gather(binding, notation, import_module(f"{task.package}.{cell.framework}_vae"))
    path = folder / f"{cell.key}.safetensors"
    save_tensors(facts.tensors, path)
    active = active_of(binding, facts.device, facts.dtype)
    return ClaimsRecord(cell=cell, status="ok", facts=facts, tensors=path.name, active=active)


def gather(binding: Binding, notation: Notation, module: ModuleType) -> Facts:
    """Everything that a notation's code returns on its probes, in float64, eagerly.

    What raises is kept as a failure under the field of notation.toml that was being executed; the other probes go on.
    """
    facts = Facts(binding.framework, binding.backend)
    try:
        found = probes(notation, DATA_COUNT)
    except BadInput as error:
        facts.failures.append(Failure("", "supports", str(error)))
        return facts
    for probe in found:
        try:
            _run(binding, notation, module, probe, facts)
        except Unexecuted as error:
            field = error.field if probe.field in ("supports", "objective") else probe.field
            facts.failures.append(Failure(probe.name, field, f"{error.field}: {error}"))
    return facts


def _run(binding: Binding, notation: Notation, module: ModuleType, probe: Probe, facts: Facts) -> None:
    with numbers_seen(module, notation.model_class) as seen:
        subject = _subject(binding, notation, module, probe, facts)
        _call_objectives(subject, probe, facts)
        if probe.field != "objective":
            _call_quantities(subject, probe, facts)
            _call_nets(subject, probe, facts)
            _call_forward(subject, probe, facts)
    if probe.field == "objective":
        return
    facts.slopes[probe.name] |= _attempt("methods", lambda: _slopes(subject, probe, facts))
    facts.numbers[probe.name] = {name: [number(v) for v in sorted(values)] for name, values in seen.items()}
    for code in {s.code for s in notation.symbols if s.kind == "constant"}:
        value = getattr(subject.model, code, None)
        if isinstance(value, int | float) and not isinstance(value, bool):
            facts.numbers[probe.name].setdefault(code, []).append(number(value))
    condition = probe.field.removeprefix("supports").lstrip(".")
    if condition in ("", *REWIRED) or probe.word == "gated" or probe.field == "weights":
        facts.dependency[probe.name] = _attempt(
            "methods.densities", lambda: dependency_of(subject, probe.problem, arguments_of(subject, probe))
        )


def _subject(binding: Binding, notation: Notation, module: ModuleType, probe: Probe, facts: Facts) -> Subject:
    """The model with the probe's weights, built step by step so that a failure is that of one field."""
    spec = probe.problem.spec
    model_class = _attempt("model.class", lambda: getattr(module, notation.model_class))
    parameters = _attempt("model.class", lambda: inspect.signature(model_class).parameters)
    for name, parameter in parameters.items():
        default = None if parameter.default is inspect.Parameter.empty else parameter.default
        facts.defaults[name] = as_json(default)
    facts.model_class = notation.model_class
    maps = _attempt("weights", lambda: weight_maps(notation, binding.framework, spec))
    arguments = _attempt("model.arguments", lambda: notation.model_arguments(spec))
    model = _attempt("model.arguments", lambda: binding.construct(model_class, arguments, DTYPE))
    facts.arguments[probe.name] = {name: as_json(value) for name, value in arguments.items()}
    _attempt("weights", lambda: binding.match(model, notation, maps))
    weights = published_weights(maps, probe.problem.weights, DTYPE)
    _attempt("weights", lambda: binding.put_weights(model, weights))
    for path, array in binding.get_weights(model, list(weights)).items():
        facts.put(probe.name, "weight", path, array)
    subject = Subject(binding, notation, lifted(spec), model, maps, DTYPE, "eager")
    subject.any_count = probe.data_count
    return subject


def _forms(subject: Subject) -> list[tuple[str, Subject]]:
    """The end of a field of `methods`, with the model in the form that the field is for."""
    return [("", subject), ("_as_published", replace(subject, mode="published"))]


def _outputs(subject: Subject, facts: Facts, field: str, name: str, calls: Sequence[Arguments]) -> list[dict[str, Any]]:
    """The outputs of the method under a field of `methods` for each call, by name or number."""
    where = f"methods.{field}"
    method = _attempt(where, lambda: getattr(subject.model, name))
    facts.methods[field] = name
    facts.parameters[name] = names = _attempt(where, lambda: parameters_of(method))
    forward = subject.binding.forward(subject.model, method, subject.mode)
    return _attempt(where, lambda: [named_outputs(forward(*tensors[: len(names)])) for tensors in calls])


def _call_objectives(subject: Subject, probe: Probe, facts: Facts) -> None:
    """Every objective and, but on variants of the first probe, its published form."""
    for suffix, form in _forms(subject)[: 1 if probe.field == "objective" else None]:
        if (name := getattr(subject.notation.methods, f"objective{suffix}")) is not None:
            _call_objective(form, probe, facts, f"objective{suffix}", name)
    for other in _others(subject):
        _call_objective(subject, probe, facts, other.method, other.method, other)


def _others(subject: Subject) -> list[Objective]:
    """The other objectives that exist for the model."""
    return [other for other in subject.notation.other_objectives if subject.spec.meets(other.when)]


def _call_objective(
    subject: Subject, probe: Probe, facts: Facts, field: str, name: str, other: Objective | None = None
) -> None:
    """The published number, averaged over draws that the source makes one by one."""
    published = _attempt(f"methods.{field}", lambda: subject.objective(other))
    facts.parameters[name] = _attempt(f"methods.{field}", lambda: parameters_of(getattr(subject.model, name)))
    facts.methods[field] = name
    forward, calls = subject.binding.forward(subject.model, published, subject.mode), inputs(subject, probe.problem)
    draws = _attempt(f"methods.{field}", lambda: [forward(*tensors) for tensors in calls])
    facts.device, facts.dtype = subject.binding.where(draws[0])
    facts.put(probe.name, "objective", name, np.mean([subject.binding.array(d) for d in draws], axis=0))


def _call_quantities(subject: Subject, probe: Probe, facts: Facts) -> None:
    methods, calls = subject.notation.methods, inputs(subject, probe.problem)
    for (suffix, form), what in zip(_forms(subject), ("quantity", "published"), strict=True):
        if (name := getattr(methods, f"quantities{suffix}")) is not None:
            draws = _outputs(form, facts, f"quantities{suffix}", name, calls)
            for key in draws[0]:
                facts.put(probe.name, what, key, stacked(subject, [draw[key] for draw in draws]))
    given = (subject.laid_out(probe.problem.x), probe.problem.noise)
    for parameter, array in zip(facts.parameters[methods.quantities], given, strict=False):
        facts.put(probe.name, "input", parameter, array)


def _call_nets(subject: Subject, probe: Probe, facts: Facts) -> None:
    """The encoder on x, and decoder and densities at the very z that the quantities were computed at."""
    methods, (x, zs, noise) = subject.notation.methods, arguments_of(subject, probe, facts)
    nets: list[tuple[str, str, str | None, list[Arguments]]] = [
        ("encoder", "encoder", methods.encoder, [(x,)]),
        # Where the decoder's weights have a posterior it takes drawn ones, and their means where it is given none.
        ("decoder", "decoder", methods.decoder, [(z,) for z in zs]),
        ("densities", "density", methods.densities, [(x, z, *noise) for z in zs]),
    ]
    for field, what, name, calls in nets:
        if name is not None:
            draws = _outputs(subject, facts, field, name, calls)
            for key in draws[0]:
                array = stacked(subject, [draw[key] for draw in draws], per_draw=what != "encoder")
                facts.put(probe.name, what, key, array)


def _slopes(subject: Subject, probe: Probe, facts: Facts) -> dict[str, list[Slope]]:
    """Method → the slopes of its outputs on the first draw."""
    methods, model = subject.notation.methods, subject.model
    x, zs, noise = arguments_of(subject, probe, facts)
    first = inputs(subject, probe.problem)[0]
    calls: list[tuple[str | None, Callable[..., Any], tuple[Any, ...], str]] = []
    for suffix, form in _forms(subject):
        calls.append((getattr(methods, f"quantities{suffix}"), form.method("quantities"), first, form.mode))
        calls.append((getattr(methods, f"objective{suffix}"), form.objective(), first, form.mode))
    if methods.densities is not None:
        calls.append((methods.densities, getattr(model, methods.densities), (x, zs[0], *noise), "eager"))
    calls += [(other.method, subject.objective(other), first, "eager") for other in _others(subject)]
    return {
        name: slopes_of(subject, lambda *given, call=call: named_outputs(call(*given)), tensors, mode)
        for name, call, tensors, mode in calls
        if name is not None
    }


def _call_forward(subject: Subject, probe: Probe, facts: Facts) -> None:
    """Ordinary use at noise that is handed out, and the quantities and objectives at the same noise."""
    draws, x = draws_of(subject, probe), subject.data(probe.problem.x)
    sizes = _attempt("model.class", lambda: sizes_given(subject, probe))
    use = ordinary_use(subject, sizes, draws)
    returned = _attempt("model.class", lambda: subject.binding.forward(subject.model, use, "eager")(x))
    for name, output in returned.items():
        facts.put(probe.name, "forward", name, subject.binding.array(output))
    asked = [int(size) for role, size in sizes.values() if role == "sample_count"]
    facts.draws[probe.name] = (draws.count, next(iter(asked), 1))
    for suffix, form in _forms(subject):
        if getattr(subject.notation.methods, f"quantities{suffix}") is None:
            continue
        for what, method in {"drawn": form.method("quantities"), "reduced": form.objective()}.items():
            for name, array in _attempt("methods.quantities", partial(at, subject, draws, method, x)).items():
                facts.put(probe.name, what, name + suffix.replace("_", " "), array)
    facts.slopes.setdefault(probe.name, {})["ordinary use"] = _attempt(
        "model.class", lambda: slopes_of(subject, use, (x,))
    )


def arguments_of(subject: Subject, probe: Probe, facts: Facts | None = None) -> tuple[Any, list[Any], tuple[Any, ...]]:
    """x; z, all draws at once or one by one; and the noise of the weights where they have a posterior.

    z is what the quantities have for it, where there are facts of them, else the noise: any z will do for dependencies.
    """
    first = inputs(subject, probe.problem)
    symbol = subject.notation.symbol("latent", subject.spec)
    found = facts.of(probe.name, "quantity").get(str(symbol.quantity)) if facts and symbol else None
    if found is None:
        zs = [tensors[1] for tensors in first]
    else:
        draws = [found] if "sample" in subject.notation.noise_axes else list(found)
        zs = [subject.binding.tensor(draw, DTYPE) for draw in draws]
    return first[0][0], zs, tuple(first[0][2:])


def parameters_of(method: Callable[..., Any]) -> list[str]:
    """The names of the tensors that a method takes."""
    call = getattr(method, "forward", None) or method  # an nn.Module's own signature is (*args)
    names = [n for n, p in inspect.signature(call).parameters.items() if p.kind is not p.VAR_KEYWORD]
    return ["inputs"] if "args" in names else names


def stacked(subject: Subject, draws: Sequence[Any], *, per_draw: bool = True) -> Any:
    """One array: of the draws that the source makes one by one with their axis in front, else as it is."""
    arrays = [subject.binding.array(draw) for draw in draws]
    if "sample" in subject.notation.noise_axes or not per_draw:
        return arrays[0]
    return np.stack(arrays)


def _attempt(field: str, action: Callable[[], T]) -> T:
    try:
        return action()
    except Unexecuted:
        raise
    except Exception as error:
        raise Unexecuted(field, f"{type(error).__name__}: {error}".splitlines()[0]) from error
