"""Which edit of one line makes a wrong loss right? Candidates are tried until the edited loss is explained as right.

Each candidate is one edit at one place of the source. The function's code object is replaced by the edited code while
experiments run, and no file is written.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import time
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..answer import Change

_SWAPPED = {
    "mean": "sum",
    "sum": "mean",
    "reduce_mean": "reduce_sum",
    "reduce_sum": "reduce_mean",
    "max": "min",
    "min": "max",
    "sample": "rsample",
    "rand": "randn",
    "rand_like": "randn_like",
}
_ON_LOGITS = "binary_cross_entropy_with_logits"
_SIGMOIDS = ("sigmoid", "expit")
_SIZE = {
    "torch": "{x}[0].numel()",
    "numpy": "{x}[0].size",
    "jax": "{x}[0].size",
    "tensorflow": "tf.size({x}[0], out_type=tf.float64)",
}
_LIBRARIES = ("torch", "F", "D", "tf", "np", "jnp", "keras", "self")
_EXP = {"torch": "{}.exp()", "numpy": "np.exp({})", "jax": "jnp.exp({})", "tensorflow": "tf.exp({})"}
_CALL, _OPEN = re.compile(r"[\w.\[\]]+\(\w*\)"), re.compile(r"(?<![\w)\]])\($")
MOST = 120
"""The largest number of candidates that are tried."""
BUDGET_S = 8.0
"""CPU seconds after which no further candidate is tried: an answer must not wait for its change."""


def changed(
    functions: Iterable[types.FunctionType],
    framework: str,
    data: str,
    latent: str,
    pairs: Sequence[tuple[str, str]],
    judged: Callable[[], tuple[str, str] | None],
    scaled: str = "",
) -> Change | None:
    """The first edit that makes the loss right with a KL weight of 1, else the first that makes it right.

    Args:
        functions: the user's functions; their code is edited one at a time, and restored.
        framework: the framework of their tensors.
        data, latent: the user's names of x and of the posterior's mean.
        pairs: pairs of the user's names that may be exchanged.
        judged: explains the edited loss; gives its sentence and KL weight, or None if it is not right.
        scaled: a name whose multiples and powers are tried first; empty for none.

    Returns:
        The edit; None if no candidate is right, there is no source, or the time is over.
    """
    began, some = time.process_time(), None
    size, exp = _SIZE[framework].format(x=data), _EXP[framework]
    for function, one in _ordered(functions, data, latent, pairs, size, exp, scaled):
        if time.process_time() - began > BUDGET_S:
            break
        code, function_code = _compiled(one.source, function), function.__code__
        if code is None:
            continue
        function.__code__ = code
        try:
            then = judged()
        except Exception:  # an edited loss may raise anything
            continue
        finally:
            function.__code__ = function_code
        if then is not None:
            found = Change(Path(function_code.co_filename).name, one.line, one.before, one.after, *then)
            if found.beta == "1":
                return found
            some = some or found
    return some


@dataclass(frozen=True)
class _Candidate:
    """An edited source, and its line before and after the edit; candidates of low rank are tried first."""

    rank: int
    source: str
    line: int
    before: str
    after: str


def _ordered(
    functions: Iterable[types.FunctionType],
    data: str,
    latent: str,
    pairs: Sequence[tuple[str, str]],
    size: str,
    exp: str,
    scaled: str,
) -> list[tuple[types.FunctionType, _Candidate]]:
    """The candidates of all functions by rank, with edits of the `scaled` name first."""
    found = []
    for function in functions:
        try:
            lines, start = inspect.getsourcelines(function)
        except (OSError, TypeError):
            continue
        margin = " " * (len(lines[0]) - len(lines[0].lstrip()))
        source = textwrap.dedent("".join(lines))
        for rank, place, before, after in [*_candidates(source, data, latent, size), *_of_lines(source, pairs, exp)]:
            rows = source.split("\n")
            rows[place] = after
            found.append((function, _Candidate(rank, "\n".join(rows), start + place, margin + before, margin + after)))
    asked = [text.format(scaled) for text in ("0.5 * {}", "2 * {}", "{}**2", "{}**0.5")] if scaled else []

    def order(pair: tuple[types.FunctionType, _Candidate]) -> tuple[bool, int]:
        one = pair[1]
        return not any(text in one.after and text not in one.before for text in asked), one.rank

    return sorted(found, key=order)[:MOST]


def _compiled(source: str, function: types.FunctionType) -> types.CodeType | None:
    """The code object of an edited source; None if it does not compile, or has other closure variables."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    code = next((one for one in compile(tree, "<edited>", "exec").co_consts if isinstance(one, types.CodeType)), None)
    return code if code is not None and code.co_freevars == function.__code__.co_freevars else None


def _candidates(source: str, data: str, latent: str, size: str) -> Iterator[tuple[int, int, str, str]]:
    """The edits of expressions: rank, row, the line without and with the edit."""
    try:
        tree, rows = ast.parse(source), source.split("\n")
    except SyntaxError:  # a lambda in the middle of a line
        return
    found: list[tuple[int, int, str, str]] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.expr) or node.end_lineno != node.lineno:
            continue
        row = rows[node.lineno - 1]
        start, end = (len(row.encode()[:at].decode()) for at in (node.col_offset, node.end_col_offset or 0))
        for rank, text in _edits(node, row[start:end], data, latent, size):
            method = row[end : end + 1] == "." and row[start:end] not in _LIBRARIES
            bracketed = f"({text})" if method and text.startswith(("0.5 *", "2 *")) else text
            left, right = row[:start], row[end:]
            if isinstance(node, ast.BinOp) and _CALL.fullmatch(text) and _OPEN.search(left) and right[:1] == ")":
                left, right = left[:-1], right[1:]  # brackets around a call of its own
            found.append((rank, node.lineno - 1, row, left + bracketed + right))
    seen: set[tuple[int, str]] = set()
    for rank, place, before, after in sorted(found, key=lambda one: one[0]):
        if (place, after) not in seen and after != before:
            seen.add((place, after))
            yield rank, place, before, after


def _of_lines(source: str, pairs: Sequence[tuple[str, str]], exp: str) -> Iterator[tuple[int, int, str, str]]:
    """The edits of names: each line with the names of a pair exchanged, or with exp of the second at one place."""
    try:
        tree, rows = ast.parse(source), source.split("\n")
    except SyntaxError:
        return
    first = min((node.body[0].lineno for node in tree.body if isinstance(node, ast.FunctionDef)), default=len(rows) + 1)
    for place, row in enumerate(rows[first - 1 :], first - 1):
        for one, two in pairs:
            words = re.split(r"(\w+)", row)
            if one in words and two in words:
                yield 0, place, row, "".join({one: two, two: one}.get(word, word) for word in words)
            for at, word in enumerate(words):
                if word == two:
                    yield 5, place, row, "".join([*words[:at], exp.format(word), *words[at + 1 :]])


def _edits(node: ast.expr, text: str, data: str, latent: str, size: str) -> Iterator[tuple[int, str]]:
    """The edits of one expression: rank and new text."""
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name == "detach" and isinstance(node.func, ast.Attribute):
            yield 0, text[: _end(node.func.value, text, node)]
        if name == "stop_gradient" and len(node.args) == 1:
            yield 0, text[_start(node.args[0], text, node) : _end(node.args[0], text, node)]
        if name in _SIGMOIDS and len(node.args) == 1:
            yield 0, text[_start(node.args[0], text, node) : _end(node.args[0], text, node)]
        if name in _SIGMOIDS and not node.args and isinstance(node.func, ast.Attribute):
            yield 0, text[: _end(node.func.value, text, node)]
        if name == "kl_divergence":
            own = [node.func.value] if len(node.args) == 1 and isinstance(node.func, ast.Attribute) else []
            if len(pair := [*own, *node.args]) == 2:
                starts, ends = ([at(one, text, node) for one in pair] for at in (_start, _end))
                one, other = (text[start:end] for start, end in zip(starts, ends, strict=True))
                yield 0, text[: starts[0]] + other + text[ends[0] : starts[1]] + one + text[ends[1] :]
        if name == _ON_LOGITS:
            end = (node.func.end_col_offset or 0) - node.col_offset
            yield 1, text[:end].removesuffix("_with_logits") + text[end:]
        if name in _SWAPPED:
            end = (node.func.end_col_offset or 0) - node.col_offset
            swapped = text[: end - len(name)] + _SWAPPED[name] + text[end:]
            yield 0, swapped
            if "mean" in name:
                yield 3, f"{swapped} / len({data})"
                yield 4, f"{size.replace(data, latent)} / {size} * {text}"
        of_data = any(isinstance(argument, ast.Name) and argument.id == data for argument in node.args)
        if size.endswith("numel()") and of_data and not any(word.arg == "reduction" for word in node.keywords):
            yield 1, f'{text[:-1]}, reduction="sum")'
        if size and (of_data or "loss" in name or "entropy" in name or "mean" in name):
            yield 2, f"{size} * {text}"
            yield 3, f"{size.replace('[0]', '')} * {text}"
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in ("sum", "mean"):
        yield 0, repr({"sum": "mean", "mean": "sum"}[node.value]).replace("'", text[0])
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value:
        if isinstance(node.value, bool):
            return
        yield 1, f"{2 * node.value:g}"
        yield 1, f"{node.value / 2:g}"
    elif isinstance(node, ast.BinOp):
        yield from _of_operation(node, text)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield 1, text.replace("-", "", 1).lstrip()
    if "batch_size" in text.lower() and isinstance(node, ast.Name | ast.Attribute | ast.BinOp):
        # The last batch of an epoch may be smaller than a fixed `batch_size`.
        yield 0, size.replace("[0]", "") if isinstance(node, ast.BinOp) else f"len({data})"
    if isinstance(node, ast.Name | ast.Call | ast.BinOp):
        bracketed = text if isinstance(node, ast.Name | ast.Call) else f"({text})"
        yield 4, f"0.5 * {bracketed}"
        yield 4, f"2 * {bracketed}"
        yield 5, f"{bracketed}**2"
        yield 6, f"{bracketed}**0.5"


def _of_operation(node: ast.BinOp, text: str) -> Iterator[tuple[int, str]]:
    """The edits of an operation: the other sign in a sum, a product without its number, a quotient's numerator."""
    gap = text[_end(node.left, text, node) : _start(node.right, text, node)]
    left, right = text[: _end(node.left, text, node)], text[_start(node.right, text, node) :]
    if isinstance(node.op, ast.Add | ast.Sub):
        yield 1, left + (gap.replace("+", "-") if "+" in gap else gap.replace("-", "+")) + right
    elif isinstance(node.op, ast.Mult) and isinstance(node.left, ast.Constant):
        yield 1, right
    elif isinstance(node.op, ast.Div):
        yield 1, left


def _end(part: ast.expr, text: str, whole: ast.expr) -> int:
    return (part.end_col_offset or 0) - whole.col_offset


def _start(part: ast.expr, text: str, whole: ast.expr) -> int:
    return part.col_offset - whole.col_offset
