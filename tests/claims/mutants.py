"""Mutants: every small change of an implementation, and whether the claims' proofs find it.

`python tests/claims/mutants.py BACKEND [NOTATION ...]` prints a line for each mutant that nothing names, and how many
were tried. One backend of each framework is enough: the files are the same on the others. Changes that are left out,
and mutants that are equivalent, stand in `equivalent_mutants.py`, each with its reason.
"""

import ast
import copy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

sys.path.append(str(Path(__file__).parent.parent))  # as pytest has it

from claims.clamps import NOTATION as CLAMPED
from claims.clamps import wrong_clamps
from claims.equivalent_mutants import left_out, reason_of

from elbostone.backends import open_binding
from elbostone.backends.table import BACKENDS
from elbostone.claims import measure
from elbostone.claims.judge import evidence
from elbostone.claims.judge.verdicts import violations
from elbostone.claims.phase import sources_of
from elbostone.claims.probes import probes
from elbostone.notations.notation import Notation
from elbostone.notations.registry import notations, packages

SWAPPED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult}
SIBLINGS = {"mean": "sum", "sum": "mean", "sigmoid": "tanh", "exp": "expm1", "log": "log1p", "logsigmoid": "sigmoid"}
SIBLINGS |= {"log_sigmoid": "sigmoid", "softplus": "exp", "logsumexp": "sum", "sqrt": "square"}
#: Names of modules and of keys: nothing that has a gradient.
CONSTANT = {"math", "torch", "ops", "name", "w"}
CUT = {
    "torch": lambda node: ast.Call(ast.Attribute(node, "detach", ast.Load()), [], []),
    "keras": lambda node: ast.Call(ast.Attribute(ast.Name("ops", ast.Load()), "stop_gradient", ast.Load()), [node], []),
}


def mutants(source: str, framework: str, constants: set[str]) -> Iterator[tuple[str, ast.Module]]:
    """Description and syntax tree of each mutant of a file; `constants` are its names of data and noise."""
    tree = ast.parse(source)
    lines = source.splitlines()
    places = [node for node in ast.walk(tree) if isinstance(node, ast.expr | ast.stmt)]
    skipped = {id(part) for node in ast.walk(tree) for part in (*_prose(node), *left_out(node))}
    for number, node in enumerate(places):
        if id(node) in skipped:
            continue
        variables = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} - CONSTANT
        for change, replacement in _changes(node, framework):
            if change == "detached" and variables <= constants:
                continue  # data and noise have no gradient
            changed = copy.deepcopy(tree)
            target = [n for n in ast.walk(changed) if isinstance(n, ast.expr | ast.stmt)][number]
            replaced = _Replace(target, replacement).visit(changed)
            where = f"line {node.lineno}, column {node.col_offset + 1}, {lines[node.lineno - 1].strip()}"
            yield f"{where}: {ast.unparse(node)[:60]!r}: {change}", ast.fix_missing_locations(replaced)


class _Replace(ast.NodeTransformer):
    def __init__(self, target: ast.AST, replacement: ast.AST):
        self.target, self.replacement = target, replacement

    def visit(self, node: ast.AST) -> ast.AST:
        return copy.deepcopy(self.replacement) if node is self.target else super().visit(node)


def _changes(node: ast.AST, framework: str) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.BinOp(left=left, op=op, right=right):
            if type(op) in SWAPPED:
                yield f"{type(op).__name__} → {SWAPPED[type(op)].__name__}", ast.BinOp(left, SWAPPED[type(op)](), right)
            if isinstance(op, ast.Add | ast.Sub):
                yield "second term dropped", left
            yield "detached", CUT[framework](node)
        case ast.UnaryOp(op=ast.USub(), operand=operand) if not isinstance(operand, ast.Constant):
            yield "sign dropped", operand
        case ast.Constant(value=bool(value)):
            yield "flipped", ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield "one more", ast.Constant(value + 1)
        case ast.Call(func=ast.Attribute(value=value, attr=name), args=args, keywords=keywords):
            if name in SIBLINGS:
                yield (
                    f"{name} → {SIBLINGS[name]}",
                    ast.Call(ast.Attribute(value, SIBLINGS[name], ast.Load()), args, keywords),
                )
        case ast.IfExp(body=body, orelse=orelse):
            yield "other branch", orelse
            yield "this branch", body
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=right):
            yield "unequal", ast.Compare(left, [ast.NotEq()], right)


def _prose(node: ast.AST) -> Iterator[ast.AST]:
    """What is no code of the model: docstrings, annotations, messages."""
    if isinstance(node, ast.FunctionDef):
        yield from (
            part
            for arg in ast.walk(node.args)
            if isinstance(arg, ast.arg) and arg.annotation
            for part in ast.walk(arg.annotation)
        )
        yield from ast.walk(node.returns) if node.returns else ()
    if isinstance(node, ast.Raise):
        yield from ast.walk(node)
    if isinstance(node, ast.AnnAssign):
        yield from ast.walk(node.annotation)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield from ast.walk(node)


@contextmanager
def first_probe_alone() -> Iterator[None]:
    """Judge by the first probe: most mutants are named by it, and it is a tenth of the work."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (measure, evidence):
            patch.setattr(module, "probes", lambda notation, data_count: probes(notation, data_count)[:1])
        yield


def complaints(backend: str, notation: Notation, tree: ast.Module) -> Iterator[str]:
    """What the claims' proofs say of a notation whose file for the backend's framework is this."""
    binding, framework = open_binding(backend, "cpu"), BACKENDS[backend].framework
    name = f"{packages()[notation.id]}.{framework}_vae"
    module = ModuleType(name)
    module.__package__, module.__file__ = packages()[notation.id], name
    sys.modules[name] = module
    try:
        exec(compile(tree, name, "exec"), module.__dict__)  # a mutant of our own file
        facts = measure.gather(binding, notation, module)
        found = violations(notation, facts, sources_of(notation) | {framework: ast.unparse(tree)})
        yield from (violation.describe() for violation in found)
        yield from wrong_clamps(binding, notation, module) if notation.id == CLAMPED else ()
    except Exception as error:  # what a mutant raises before it can be judged names it too
        yield f"{type(error).__name__}: {error}"
    finally:
        del sys.modules[name]


def survivors(backend: str, notation: Notation) -> Iterator[str | None]:
    """For each mutant that is not equivalent its description where no claim names it, None where one does.

    Raises:
        RuntimeError: the file as it is does not hold, so that a mutant's failure says nothing.
    """
    framework = BACKENDS[backend].framework
    source = sources_of(notation)[framework]
    unchanged = ast.parse(source)
    for found in complaints(backend, notation, unchanged):
        raise RuntimeError(f"{notation.id} on {backend} does not hold as it is: {found}")
    with first_probe_alone():
        said_anyway = set(complaints(backend, notation, unchanged))
    constants = {s.code for s in notation.symbols if s.role in ("data", "noise", "weight_noise")}
    for description, tree in mutants(source, framework, constants):
        with first_probe_alone():
            named = any(complaint not in said_anyway for complaint in complaints(backend, notation, tree))
        named = named or any(complaints(backend, notation, tree))
        if reason_of(notation.id, description):
            if named:
                yield f"{description}: is said to be equivalent, and is named"
            continue
        yield None if named else description


def main(backend: str, *names: str) -> None:
    tried = left = 0
    for notation in notations().values():
        if names and notation.id not in names:
            continue
        own = list(survivors(backend, notation))
        found = [description for description in own if description is not None]
        tried, left = tried + len(own), left + len(found)
        print(f"{notation.id}: {len(own)} mutants, {len(found)} unnamed", *found, sep="\n    ", flush=True)
    print(f"{backend}: {tried} mutants, {tried - left} named ({(tried - left) / tried:.1%})")


if __name__ == "__main__":
    main(*sys.argv[1:])
