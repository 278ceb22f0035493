"""Floating-point operations of a traced training step: those of its products and convolutions."""

import numpy as np
import tensorflow as tf

_PRODUCTS = ("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")
_CONVOLUTIONS = ("Conv2D", "Conv3D")
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
# Operations whose products this count does not see; a step with one has no count.
_OTHER_PRODUCTS = ("Einsum", "XlaDot", "DepthwiseConv2dNative", "CudnnRNNV3")


def graph_flops(function: tf.types.experimental.ConcreteFunction) -> float:
    """Counts a multiplication and an addition for each term of every product and convolution.

    Those that the step runs, zeros in padded maps and kernels included: for MuseGAN up to a third
    more than the layers' taps, which `scripts/benchmarks/musegan_convolutions.py` counts. What is
    no product, a few percent, is left out.

    Args:
      function: The traced step, with static shapes.

    Returns:
      FLOP of one call.

    Raises:
      ValueError: If a shape is not static, or there is a product of a kind that is not counted
        here: another operation, or one inside a loop or a condition.
    """
    return _flops_of(function.graph)


def _flops_of(graph: tf.Graph) -> float:
    total = 0.0
    for node in graph.get_operations():
        # No public name leads from a call to the graph of what it calls.
        inside = sum(_flops_of(graph._get_function(name).graph) for name in _functions_of(node))
        if inside and node.type not in _CALLS:
            raise ValueError(f"FLOP inside {node.type} are not counted: {node.name}.")
        total += inside + _node_flops(node)
    return total


def _functions_of(node: tf.Operation) -> list[str]:
    attributes = node.node_def.attr.values()
    return [f.name for a in attributes for f in (a.func, *a.list.func) if f.name]


def _node_flops(node: tf.Operation) -> float:
    if node.type in _PRODUCTS:
        transposed = node.get_attr("transpose_a" if node.type == "MatMul" else "adj_x")
        inner = _shape(node, node.inputs[0])[-2 if transposed else -1]
        return 2.0 * inner * np.prod(_shape(node, node.outputs[0]), dtype=float)
    if node.type in _OTHER_PRODUCTS:
        raise ValueError(f"FLOP of {node.type} are not counted: {node.name}.")
    base = node.type.split("Backprop")[0]
    if base not in _CONVOLUTIONS:
        return 0.0
    # [..., outputs] numbers of [taps, inputs] terms each, and as many in either gradient.
    if "BackpropFilter" in node.type:
        outputs, kernel = node.inputs[2], node.outputs[0]
    elif "BackpropInput" in node.type:
        outputs, kernel = node.inputs[2], node.inputs[1]
    else:
        outputs, kernel = node.outputs[0], node.inputs[1]
    terms = np.prod(_shape(node, kernel)[:-1], dtype=float)
    return 2.0 * terms * np.prod(_shape(node, outputs), dtype=float)


def _shape(node: tf.Operation, tensor: tf.Tensor) -> list[int]:
    if not tensor.shape.is_fully_defined():
        raise ValueError(f"Expected static shapes. Received: {tensor.shape} in {node.name}.")
    return tensor.shape.as_list()
