"""Matrix products: Gemm, MatMul, Einsum."""

from __future__ import annotations

import operator

import torch
from torch import nn

from converters.torch_import.operation import Operation
from converters.torch_import.ops.arithmetic import computed
from converters.torch_import.registry import builds
from converters.torch_import.values import Constant, Value


@builds("Gemm")
def gemm(op: Operation) -> Value:
    left, right, bias = op.tensor(0), op.tensor(1), op.optional(2)
    alpha, beta = op.attribute("alpha", 1.0), op.attribute("beta", 1.0)
    if op.attribute("transA", 0):
        left = op.call(torch.transpose, left, 0, 1)
    transposed = bool(op.attribute("transB", 0))
    out_features = op.shape(right)[0 if transposed else 1]
    if _is_linear(op, right, bias, out_features) and alpha == 1.0 and (bias is None or beta == 1.0):
        return linear(op, left, right, bias, transposed=transposed)
    if transposed:
        right = op.call(torch.transpose, right, 0, 1)
    product = computed(op, torch.matmul, left, right)
    if alpha != 1.0:
        product = op.call(operator.mul, product, _number(op, alpha, product))
    if bias is None or beta == 0.0:
        return product
    if beta != 1.0:
        bias = op.call(operator.mul, bias, _number(op, beta, bias))
    return computed(op, operator.add, product, bias)


def _number(op: Operation, number: float, like: Value) -> float | int:
    return number if op.dtype(like).is_floating_point else int(number)


def _is_linear(op: Operation, weight: Value, bias: Value | None, out_features: int) -> bool:
    if not isinstance(weight, Constant) or not op.dtype(weight).is_floating_point:
        return False
    if bias is None:
        return True
    shape = tuple(bias.tensor.shape) if isinstance(bias, Constant) else ()
    return shape in ((out_features,), (1, out_features))


def linear(op: Operation, value: Value, weight: Value, bias: Value | None, *, transposed: bool) -> Value:
    """Apply nn.Linear; `transposed` says that the stored matrix is (out, in), as torch wants it."""
    rows, columns = op.shape(weight)
    outs, ins = (rows, columns) if transposed else (columns, rows)
    layer = nn.Linear(ins, outs, bias=bias is not None, device="meta", dtype=op.dtype(weight))
    return op.module(
        layer,
        value,
        weights={"weight": weight, "bias": bias},
        path=op.module_path(weight),
        transposed=() if transposed else ("weight",),
    )


@builds("MatMul")
def matmul(op: Operation) -> Value:
    left, right = op.tensor(0), op.tensor(1)
    is_matrix = isinstance(right, Constant) and right.tensor.ndim == 2 and right.tensor.is_floating_point()
    if is_matrix and not isinstance(left, Constant) and op.rank(left) >= 2:
        return linear(op, left, right, None, transposed=False)
    return computed(op, torch.matmul, left, right)


@builds("Einsum")
def einsum(op: Operation) -> Value:
    equation = op.attribute("equation").replace(" ", "")
    return op.call(torch.einsum, equation, *(op.tensor(index) for index in range(len(op.inputs))))
