"""A traced JAX function with some of its operations computed otherwise: products in bfloat16, convolutions as products.

XLA's own forms of these are slow on a CPU: convolutions that differentiation dilates are naive loops there,
`jax.default_matmul_precision("BF16_BF16_F32")` is ignored, and the two log-sigmoids of a cross-entropy share nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend import core

Rule = Callable[..., Any]
Rules = Mapping[str, Rule]


def rewritten(function: Callable[..., Any], rules: Rules) -> Callable[..., Any]:
    """`function`, in which each operation that `rules` names is computed by its rule.

    Args:
        function: of trees of arrays.
        rules: name of a primitive → a function of its operands, and of its parameters by keyword; or name of a jitted
            function of one result → a function of its arguments.
    """

    def call(*arguments: Any) -> Any:
        closed, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
        outputs = _evaluated(closed.jaxpr, closed.consts, jax.tree.leaves(arguments), rules)
        return jax.tree.unflatten(jax.tree.structure(shapes), outputs)

    return call


def _evaluated(jaxpr: Any, constants: Any, arguments: list[Any], rules: Rules) -> list[Any]:
    values: dict[Any, Any] = dict(zip(jaxpr.constvars, constants, strict=True))
    values |= dict(zip(jaxpr.invars, arguments, strict=True))
    for equation in jaxpr.eqns:
        operands = [o.val if isinstance(o, core.Literal) else values[o] for o in equation.invars]
        name = equation.primitive.name
        if name in rules:
            found = [rules[name](*operands, **equation.params)]
        elif name in ("jit", "pjit") and equation.params["name"] in rules:
            found = [rules[equation.params["name"]](*operands)]
        elif name in ("jit", "pjit"):
            inner = equation.params["jaxpr"]
            found = _evaluated(inner.jaxpr, inner.consts, operands, rules)
        else:
            parameters = equation.primitive.get_bind_params(equation.params)
            # A dictionary in JAX 0.10.2; its documentation still has the functions apart.
            functions, parameters = parameters if isinstance(parameters, tuple) else ([], parameters)
            result = equation.primitive.bind(*functions, *operands, **parameters)
            found = result if equation.primitive.multiple_results else [result]
        values |= dict(zip(equation.outvars, found, strict=True))
    return [o.val if isinstance(o, core.Literal) else values[o] for o in jaxpr.outvars]


@jax.custom_jvp
def log_sigmoid(x: Any) -> Any:
    """log σ(x), such that log σ(−x) and both slopes, σ(−x) and σ(x), come of the same exponential.

    `jax.nn.log_sigmoid` goes through `logaddexp`, whose derivative has two further exponentials; XLA finds nothing in
    it that the two of a cross-entropy have in common. Not by `abs`: min(−x, x) is what XLA sees to be min(x, −x).
    """
    return jnp.minimum(x, 0) - jnp.log1p(jnp.exp(jnp.minimum(x, -x)))


@log_sigmoid.defjvp
def _slope(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Any, Any]:
    (x,), (along,) = primals, tangents
    decayed = jnp.exp(jnp.minimum(x, -x))
    larger = 1 / (1 + decayed)
    return log_sigmoid(x), along * jnp.where(x < 0, larger, decayed * larger)


def dot_in_bfloat16(a: Any, b: Any, *, dimension_numbers: Any, **parameters: Any) -> Any:
    """`lax.dot_general` of factors that are rounded to bfloat16, summed in float32."""
    a, b = a.astype(jnp.bfloat16), b.astype(jnp.bfloat16)
    return lax.dot_general(a, b, dimension_numbers, preferred_element_type=jnp.float32)


def convolution_as_products(
    x: Any,
    kernel: Any,
    *,
    window_strides: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    lhs_dilation: tuple[int, ...],
    rhs_dilation: tuple[int, ...],
    dimension_numbers: Any,
    **parameters: Any,
) -> Any:
    """`lax.conv_general_dilated` of images, as one product per phase of the dilation.

    An output pixel of a transposed convolution meets only every d-th row and column of the kernel; those of one phase,
    its index modulo d, meet the same ones. So nothing is multiplied by the zeros of a dilated input.

    Args:
        x: [batch, height, width, channel] in the order that `dimension_numbers` says.
        kernel: likewise.
        window_strides, padding, lhs_dilation, rhs_dilation, dimension_numbers, parameters: of the primitive.

    Raises:
        NotImplementedError: kernels are dilated or grouped.
    """
    if rhs_dilation != (1, 1) or parameters["feature_group_count"] != 1 or parameters["batch_group_count"] != 1:
        raise NotImplementedError("a dilated or grouped convolution as products")
    numbers = dimension_numbers
    x = jnp.transpose(x, (numbers.lhs_spec[0], *numbers.lhs_spec[2:], numbers.lhs_spec[1]))
    kernel = jnp.transpose(kernel, (*numbers.rhs_spec[2:], numbers.rhs_spec[1], numbers.rhs_spec[0]))
    sizes = [
        (d * (n - 1) + 1 + low + high - k) // s + 1
        for n, k, d, s, (low, high) in zip(
            x.shape[1:3], kernel.shape[:2], lhs_dilation, window_strides, padding, strict=True
        )
    ]
    # A stride and a dilation together would make phases of their own; differentiation alone makes them.
    if any(d > 1 and (s > 1 or size % d) for d, s, size in zip(lhs_dilation, window_strides, sizes, strict=True)):
        raise NotImplementedError("a strided convolution of a dilated image as products")
    margins = [max(kernel.shape[axis], *padding[axis]) for axis in (0, 1)]
    x = jnp.pad(x, ((0, 0), *((margin, margin) for margin in margins), (0, 0)))
    counts = [size // d for size, d in zip(sizes, lhs_dilation, strict=True)]
    phases = []
    for phase in product(*map(range, lhs_dilation)):
        taps = [
            [k for k in range(kernel.shape[axis]) if (phase[axis] + k - padding[axis][0]) % lhs_dilation[axis] == 0]
            for axis in (0, 1)
        ]
        patches = []
        for tap in product(*taps):
            first = [
                (phase[axis] + tap[axis] - padding[axis][0]) // lhs_dilation[axis] + margins[axis] for axis in (0, 1)
            ]
            rows, columns = (
                slice(f, f + (count - 1) * stride + 1, stride)
                for f, count, stride in zip(first, counts, window_strides, strict=True)
            )
            patches.append(x[:, rows, columns])
        met = kernel[np.ix_(*taps)].reshape(-1, kernel.shape[3])
        # Two axes: XLA on a CPU has no product in bfloat16 of more.
        flat = jnp.concatenate(patches, axis=-1).reshape(-1, len(met))
        phases.append(jnp.matmul(flat, met).reshape(len(x), *counts, kernel.shape[3]))
    stacked = jnp.stack(phases).reshape(*lhs_dilation, *phases[0].shape)
    out = jnp.transpose(stacked, (2, 3, 0, 4, 1, 5)).reshape(len(x), *sizes, kernel.shape[3])
    places = (numbers.out_spec[0], *numbers.out_spec[2:], numbers.out_spec[1])
    return jnp.transpose(out, [places.index(axis) for axis in range(4)])
