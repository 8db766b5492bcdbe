"""Which model does an entry name, and how is its loss called? Entries are `VAE().loss(x)`, `VAE()`, `build_vae()`."""

from __future__ import annotations

import ast
import contextlib
import inspect
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, permutations
from pathlib import Path
from types import CodeType
from typing import Any

from ...reference.errors import BadInput
from ..dictionary.formula import Array
from ..experiments.source_sizes import fixed_sizes
from ..lab import LossFailed
from ..models.run import Run, Setting, example
from .entry import Swap, integers, mentions, with_arguments
from .load import open_names

BATCHES = (5, 9, 11, 13, 17, 19, 23)
"""Batch sizes: the first that is no integer argument of the model is used."""
BATCH = BATCHES[0]
LENGTH = 7
"""The length of a sequence, if no argument gives it."""
_MOST_WIDTHS = 25
STEP = "training_step"
"""The method of a module of Lightning that takes a batch, and its place."""
_UNNAMED = "_data"
"""The name of the data of a method that is given without its argument."""


@dataclass
class Subject:
    """A model and the call of its loss.

    Attributes:
        owner: the model, or the called function if there is no model.
        call: x, training → the returned value.
        build: changed arguments of the owner's constructor → the subject built with them; None if it cannot be built.
        file: the path of the user's file.
        arguments: argument of the constructor → integer.
        plain: names of attributes that every model of the framework has.
        width: the user's D; None if not given.
        step: whether the call takes a batch, in which x may be one part.
    """

    owner: Any
    call: Callable[[Any, bool], Any]
    build: Callable[[Mapping[str, int]], Subject] | None
    file: str
    arguments: dict[str, int] = field(default_factory=dict)
    plain: frozenset[str] = frozenset()
    width: int | None = None
    step: bool = False

    @property
    def parameters(self) -> dict[str, float]:
        """Attribute of the model that is a number, and no size → its value."""
        found: dict[str, float] = {}
        for name, value in getattr(self.owner, "__dict__", {}).items():
            if name.startswith("_") or name in self.plain or type(value) not in (int, float):
                continue
            size = name in self.arguments or value in self.arguments.values()
            if isinstance(value, float) or not size:
                found[name] = value
        return found

    def rebuilt(self, arguments: Mapping[str, int]) -> Subject:
        """The subject built with other arguments of the constructor; it is built once and kept."""
        key = tuple(sorted(arguments.items()))
        if key not in self._built:
            assert self.build is not None
            self._built[key] = self.build(arguments)
        return self._built[key]

    def __post_init__(self) -> None:
        self._built: dict[tuple[tuple[str, int], ...], Subject] = {}

    @contextlib.contextmanager
    def at(self, parameters: Mapping[str, object], training: bool) -> Iterator[None]:
        """Put the owner into training or evaluation mode, with other values of its attributes, inside the context."""
        before = {name: getattr(self.owner, name) for name in parameters}
        mode = getattr(self.owner, "training", None)
        for name, value in parameters.items():
            setattr(self.owner, name, value)
        if hasattr(self.owner, "train") and isinstance(mode, bool):
            self.owner.train(training)
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(self.owner, name, value)
            if hasattr(self.owner, "train") and isinstance(mode, bool):
                self.owner.train(mode)

    def shapes(self, widths: list[int], channels: list[int]) -> list[tuple[int, ...]]:
        """The shapes of x to try: [N, width], images, sequences; the constructor's integers are tried as each size."""
        numbers = list(dict.fromkeys(self.arguments.values()))
        batch = next(size for size in BATCHES if size not in numbers)
        said = [] if self.width is None else [self.width]
        tried: list[tuple[int, ...]] = [(batch, width) for width in dict.fromkeys([*said, *numbers, *widths])]
        images = [(side, side) for side in (28, 32, 64, 16, 8)]
        tried += [(batch, c, *image) for c in channels for image in [(n, n) for n in numbers if n > 3] + images]
        tried += [(batch, *image, c) for c in channels for image in images]
        lengths = dict.fromkeys([batch, *(n for n in numbers if n > 1), LENGTH])
        for width in dict.fromkeys(widths):
            tried += [(first, second, width) for first, second in permutations(lengths, 2)]
        tried += [(batch, a * b) for a in numbers for b in numbers if 4 <= a * b <= 20000]
        return tried + [(batch, width) for width in written_widths(self.file)]


def written_widths(file: str) -> list[int]:
    """Integers in a file, which are tried as D if nothing else gives it."""
    text = Path(file).read_text(encoding="utf-8", errors="replace") if Path(file).is_file() else ""
    return [size["D"] for size in islice(fixed_sizes(text), 1, _MOST_WIDTHS)]


class OfSubject:
    """The common part of runners, in every framework.

    Attributes:
        unset: parameters that the user gave no value.
    """

    unset: frozenset[str] = frozenset()

    def __init__(self, subject: Subject):
        self.subject = subject

    @property
    def parameters(self) -> dict[str, float]:
        """Attribute of the model that is a number → its value."""
        return self.subject.parameters

    @property
    def arguments(self) -> dict[str, int]:
        """Argument of the constructor that is an integer → its value."""
        return self.subject.arguments

    @abstractmethod
    def run(self, x: Array, setting: Setting) -> Run:
        """Run the model once. Raises LossFailed if the model raises."""

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Whether the unchanged model runs on this shape of x; True if that cannot be told."""
        try:
            self.run(example(shape), Setting(terms_only=True))
        except LossFailed:
            return False
        return True


def subject_of(
    name: str,
    namespace: dict[str, Any],
    file: str,
    calls: Callable[[Any], Any] | None,
    plain: frozenset[str] = frozenset(),
    joined: Callable[[list[Any]], Any] = lambda values: None,
) -> Subject | None:
    """The model that an entry names; None if it names a loss on tensors.

    Args:
        name: the entry, an expression.
        namespace: the globals of the user's file.
        file: the file's path.
        calls: object → the call of its loss, or None if it is no model of the framework.
        plain: names of attributes that every model of the framework has.
        joined: values → the models among them as one model, or None if there is none.

    Raises:
        BadInput: the entry has more than one unknown name.
    """
    free = open_names(name, namespace)
    tree = ast.parse(name, mode="eval")
    if len(free) > 1:
        raise BadInput(
            f"{name}: expected one name that the file has not, for the data; found {', '.join(sorted(free))}"
        )
    owner_tree: ast.expr = tree.body
    given: list[Any] = []
    if free:
        inner = tree.body
        while isinstance(inner, ast.Call) and mentions(inner, free):
            inner = inner.func.value if isinstance(inner.func, ast.Attribute) else inner.func
        parts = {one: _evaluated(one, namespace) for one in _given(tree.body, inner, free)}
        models = [one for one, value in parts.items() if joined([value]) is not None]
        given = [parts[one] for one in models]
        owner_tree = models[0] if len(models) == 1 else inner
    data = next(iter(free), None)

    def made(arguments: Mapping[str, int]) -> Subject | None:
        expression = with_arguments(owner_tree, arguments)
        owner = eval(compile(ast.Expression(expression), "entry", "eval"), namespace)
        call = calls(owner) if calls is not None and data is None else None
        step = hasattr(owner, STEP) if data is None else getattr(getattr(tree.body, "func", None), "attr", "") == STEP
        if call is not None and getattr(owner, "__name__", "") == STEP and isinstance(tree.body, ast.Attribute):
            return subject_of(ast.unparse(tree.body.value), namespace, file, calls, plain)
        if call is not None and inspect.ismethod(owner):
            return subject_of(f"{name}({_UNNAMED})", namespace, file, calls, plain)
        if data is not None:
            swapped = Swap(owner_tree).visit(ast.parse(name, mode="eval"))
            code = compile(ast.fix_missing_locations(swapped), file, "eval")
            call = _left_open(code, {**namespace, "__owner__": owner}, data)
        if call is None:
            return None

        read = None
        if data is not None and joined([owner]) is None:
            read = joined(list({id(one): one for one in [*given, *_read(inspect.unwrap(owner))]}.values()))
        return Subject(
            owner if read is None else read,
            call,
            lambda changes: _present(made(changes)),
            file,
            integers(owner_tree, namespace),
            plain,
            step=step,
        )

    return made({})


def _given(tree: ast.expr, called: ast.expr, free: set[str]) -> Iterator[ast.expr]:
    """The subexpressions of an entry such as `step(VAE(), x)` that may be models; none if a method is called."""
    for one in ast.walk(tree) if isinstance(called, ast.Name) else ():
        if isinstance(one, ast.Name | ast.Attribute | ast.Call) and not mentions(one, free):
            yield one


def _evaluated(tree: ast.expr, namespace: dict[str, Any]) -> Any:
    """The value of an expression in a namespace."""
    return eval(compile(ast.Expression(tree), "entry", "eval"), namespace)


def _read(function: Any) -> list[Any]:
    """The values of the globals that a function reads, and that the functions of its file read which it calls."""
    functions, found = [function], []
    for one in functions:
        if inspect.isfunction(one):
            own = [one.__globals__[name] for name in one.__code__.co_names if name in one.__globals__]
            found += own
            functions += [o for o in own if getattr(o, "__globals__", None) is one.__globals__ and o not in functions]
    return found


def _left_open(code: CodeType, namespace: dict[str, Any], data: str) -> Callable[[Any, bool], Any]:
    """An expression as a function of x, the value of the one open name, and of the mode, which it ignores."""
    return lambda x, training: eval(code, {**namespace, data: x})


def _present(subject: Subject | None) -> Subject:
    assert subject is not None
    return subject
