"""What a mutation run leaves out, and the mutants that change nothing that anybody could see: each with its reason."""

import ast
from collections.abc import Iterator
from fnmatch import fnmatch

#: Functions whose lines other tests prove.
ELSEWHERE = {
    "algorithm_1": "tests/equivalence/test_training.py",
    "minibatches": "tests/equivalence/test_training.py",
    "gradient_ascent": "tests/equivalence/test_blei.py",
    "N_0": "tests/claims/test_start.py",
}
#: Calls that draw initial weights or fill them, in a constructor and anywhere: tests/claims/test_start.py proves them.
IN_CONSTRUCTORS = ("randn", "full", "full_like")
INITIALIZERS = ("RandomNormal", "Constant", "normal_")

#: Notation (pattern), code of the line, and change → why no claim names the mutant.
EQUIVALENT: dict[tuple[str, str, str], str] = {
    ("altosaar_2016", "probabilities = {", "this branch"): "one quantity more, where no entry reads it",
    ("blei_2017", "probability = {", "this branch"): "one quantity more, where no entry reads it",
    ("kingma_welling_2019", "p = {", "this branch"): "one quantity more, where no entry reads it",
    ("keras_io", "2 ** len(channels)", "Pow → Mult"): "2² = 2 · 2: the source has two convolutions",
    (
        "keras_io",
        "F.pad(x, (0, 1, 0, 1)))): '1'",
        "one more",
    ): "a second zero behind an image of even size is never read",
    ("burda_2016", "enumerate(pairwise", "one more"): "a layer's name, by which nothing is found",
    ("rezende_2014", "probability = {", "this branch"): "one quantity more, where no entry reads it",
    ("rezende_2014", "enumerate(pairwise", "one more"): "a layer's name, by which nothing is found",
    ("rezende_2014", "block.shape[-1]", "one more"): "a covariance is square",
    (
        "rezende_2014",
        "eta = self.eta(log_D, u).unsqueeze(-1)",
        "one more",
    ): "[batch, 1] becomes [batch, 1, 1] at the last axis or at the one before",
    ("rezende_2014", "eta = ops.expand_dims(self.eta(log_D, u), -1)", "one more"): "as in the torch file",
    (
        "rezende_2014",
        "column 32, return ops.expand_dims(a, -1) * ops.eye(",
        "one more",
    ): "a diagonal matrix is its transpose",
    ("keras_io", "SeedGenerator(1337)", "one more"): "the source's seed, of draws that no proof makes",
    ("*", "from_logits=False", "flipped"): "probabilities in place of logits: test_clamp.py tells them apart",
}


def left_out(node: ast.AST) -> Iterator[ast.AST]:
    """Code that other tests prove, and what has no value: `strict=` of equally long lists, Keras' own `built`."""
    if isinstance(node, ast.FunctionDef) and node.name in ELSEWHERE:
        yield from ast.walk(node)
    if isinstance(node, ast.keyword) and node.arg == "strict":
        yield from ast.walk(node)
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "self.built":
        yield from ast.walk(node)
    if isinstance(node, ast.Assign | ast.Expr) and _calls(node, INITIALIZERS):
        yield from ast.walk(node)
    if isinstance(node, ast.FunctionDef) and node.name == "__init__":
        for statement in ast.walk(node):
            if isinstance(statement, ast.Assign) and _calls(statement, IN_CONSTRUCTORS):
                yield from ast.walk(statement)


def _calls(statement: ast.stmt, names: tuple[str, ...]) -> bool:
    calls = [part.func for part in ast.walk(statement) if isinstance(part, ast.Call)]
    return any(isinstance(call, ast.Attribute) and call.attr in names for call in calls)


def reason_of(notation: str, description: str) -> str:
    """Why a mutant is equivalent; empty where it is not said to be."""
    for (pattern, code, change), why in EQUIVALENT.items():
        if fnmatch(notation, pattern) and code in description and description.endswith(change):
            return why
    return ""
