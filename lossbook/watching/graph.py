"""The autograd graph behind a tensor: which operations made it, and which parameters it depends on.

Only names, sizes and references to leaves are read. Tensors that the graph saved for the backward pass are read where
they lie there as they are: to unpack what a hook has packed, as checkpointing does, would compute it once more.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Size, Tensor

#: Operations that move or copy numbers and change none.
SHAPES = {
    "Alias", "AsStrided", "Clone", "Copy", "Detach", "Expand", "Index", "IndexSelect", "Movedim", "Permute", "ReshapeAlias",
    "Select", "Slice", "Split", "Squeeze", "T", "ToCopy", "Transpose", "Unbind", "UnsafeView", "Unsqueeze", "View",
}  # fmt: skip
#: What the operations of layers are called by those who build models.
LAYERS = {"Addmm": "Linear", "Mm": "Linear", "Convolution": "Conv"}
NORMALIZING = {"NativeBatchNorm", "CudnnBatchNorm", "MiopenBatchNorm"}
VIEWS = {"View", "UnsafeView", "ReshapeAlias"}
TRANSPOSING = {"Permute", "T", "Transpose", "Movedim"}
MARK = "lossbook"  #: under this key a node remembers the calls whose graphs it belongs to
MOST = 20_000  #: nodes of a graph that are visited


def operation(node: Any) -> str:
    """The name of an operation: ``"Softmax"`` for SoftmaxBackward0."""
    return node.name().rpartition("::")[2].rstrip("0123456789").removesuffix("Backward")


def saved(node: Any, name: str) -> Tensor | None:
    """A tensor that a node saved for the backward pass; None where it has none, or a hook has packed it. torch 2.6 shows
    none without unpacking it, which may compute a part of the model again: the rules that ask for one are silent there.
    """
    try:
        value = getattr(node, f"_raw_saved_{name}").data
    except (AttributeError, RuntimeError):  # not of this operation; or freed by a backward pass
        return None
    return value.detach() if isinstance(value, Tensor) else None


def carried(node: Any) -> list[tuple[int, ...] | None]:
    """The sizes of the operands of an operation that carry a gradient, in their places; None for the others."""
    return [
        None if parent is None else tuple(parent._input_metadata[place].shape) for parent, place in node.next_functions
    ]


def size(node: Any) -> tuple[int, ...]:
    """The sizes of what an operation gave."""
    return tuple(node._input_metadata[0].shape)


@dataclass
class Link:
    """One operation on the way to a tensor, with the sizes of what went in and came out where they are known."""

    name: str
    node: Any
    into: tuple[int, ...] | None
    out: tuple[int, ...] | None

    @property
    def reorders(self) -> bool:
        return self.name in TRANSPOSING


def chain(tensor: Tensor) -> list[Link]:
    """The operations that made a tensor, the last first, as long as each depends on one other."""
    links: list[Link] = []
    node, out = tensor.grad_fn, tuple(tensor.shape) or None
    if not tensor.shape:
        out = ()
    while node is not None and len(links) < 100:
        name = operation(node)
        into = _sizes_into(node, name, out)
        links.append(Link(name, node, into, out))
        parents = [parent for parent, _ in node.next_functions if parent is not None]
        if name == "Add" and len(parents) == 2:  # where one is a bias, the other is where the numbers come from
            parents = [parent for parent in parents if operation(parent) != "AccumulateGrad"]
        if len(parents) != 1 or name == "AccumulateGrad":
            break
        node, out = parents[0], into
    return links


def _sizes_into(node: Any, name: str, out: tuple[int, ...] | None) -> tuple[int, ...] | None:
    sizes = getattr(node, "_saved_self_sym_sizes", None)
    if sizes is not None:
        return tuple(Size(sizes))
    if name == "Transpose" and out is not None:
        a, b = (signed(d, len(out)) for d in (node._saved_dim0, node._saved_dim1))
        into = list(out)
        into[a], into[b] = into[b], into[a]
        return tuple(into)
    if name == "Permute" and out is not None:
        into = [0] * len(out)
        for position, d in enumerate(node._saved_dims):
            into[signed(d, len(out))] = out[position]
        return tuple(into)
    if name in ELEMENTWISE:
        return out
    return None


def signed(dim: int, dims: int) -> int:
    """A dimension that autograd saved: a negative one may stand there as an unsigned number."""
    dim = dim - 2**64 if dim >= 2**63 else dim
    return dim % dims if dims else 0


#: Operations on each number alone, or within rows: the sizes stay.
ELEMENTWISE = {
    "Abs", "Ceil", "Clamp", "ClampMax", "ClampMin", "Clone", "Cos", "Elu", "Exp", "Floor", "Gelu", "Hardsigmoid", "Hardtanh",
    "LeakyRelu", "Log", "LogSigmoid", "LogSoftmax", "Neg", "Pow", "Relu", "Round", "Sigmoid", "Sign", "Silu", "Softmax",
    "Softplus", "Sqrt", "Tanh", "ToCopy", "Trunc",
}  # fmt: skip


def last_operations(tensor: Tensor) -> list[Link]:
    """The chain of a tensor without what only moves numbers: the last operation first."""
    return [link for link in chain(tensor) if link.name not in SHAPES]


def saved_dim(link: Link) -> int:
    """The dimension that a softmax ran over, counted from 0; −1 where its sizes are not known."""
    return -1 if link.out is None else signed(link.node._saved_dim, len(link.out))


@dataclass
class Ancestry:
    """What a tensor depends on."""

    leaves: list[Tensor] = field(default_factory=list)  #: tensors that collect a gradient, those nearest first
    names: Counter[str] = field(default_factory=Counter)  #: how often each operation occurs
    marked: set[int] = field(default_factory=set)  #: earlier calls whose graphs it contains
    inputs: list[tuple[str, Tensor]] = field(default_factory=list)  #: what entered the first layers
    hidden: list[Tensor] = field(default_factory=list)  #: what came out of each relu
    squeezed: list[tuple[str, Tensor]] = field(default_factory=list)  #: what left sigmoids and tanhs for another layer
    tokens: list[Tensor] = field(default_factory=list)  #: what embeddings were looked up for
    normalizing: list[bool] = field(default_factory=list)  #: whether each batch normalization is in training mode


def ancestry(*tensors: Tensor, mark: tuple[int, int] | None = None) -> Ancestry:
    """Walk the whole graph behind some tensors; mark its operations with a training and the number of a call in it."""
    found = Ancestry([tensor for tensor in tensors if tensor.requires_grad and tensor.grad_fn is None])
    waiting = deque(tensor.grad_fn for tensor in tensors if tensor.grad_fn is not None)
    seen: set[Any] = set(waiting)
    inner: set[Any] = set()  # nodes from which the way to the loss leads through a layer
    while waiting and len(seen) < MOST:
        node: Any = waiting.popleft()
        name = operation(node)
        if name == "AccumulateGrad":
            found.leaves.append(node.variable)
            continue
        found.names[name] += 1
        if mark is not None:
            marks = node.metadata.setdefault(MARK, set())
            found.marked.update(call for training, call in marks if training == mark[0])
            marks.add(mark)
        if name == "Relu" and (result := saved(node, "result")) is not None:
            found.hidden.append(result)
        if name in ("Sigmoid", "Tanh") and node in inner and (result := saved(node, "result")) is not None:
            found.squeezed.append((name, result))
        if name == "Embedding" and (indices := saved(node, "indices")) is not None:
            found.tokens.append(indices)
        if name in NORMALIZING:
            found.normalizing.append(bool(node._saved_training))
        if (entered := _entered(node, name)) is not None:
            found.inputs.append((LAYERS[name], entered))
        for parent, _ in node.next_functions:
            if parent is not None and parent not in seen:
                seen.add(parent)
                waiting.append(parent)
                if name in LAYERS or node in inner:
                    inner.add(parent)
    return found


def _entered(node: Any, name: str) -> Tensor | None:
    """What a layer was given, where that is data: no gradient flows to it."""
    place, key = {"Addmm": (1, "mat1"), "Mm": (0, "self"), "Convolution": (0, "input")}.get(name, (0, ""))
    if not key or node.next_functions[place][0] is not None:
        return None
    return saved(node, key)


def _behind(tensor: Tensor, through: Callable[[Any], bool] = lambda node: True) -> Iterator[Any]:
    """The operations behind a tensor, each once; what lies behind one of them only where it is gone through."""
    waiting = [tensor.grad_fn] if tensor.grad_fn is not None else []
    seen: set[Any] = set(waiting)
    while waiting and len(seen) < MOST:
        node: Any = waiting.pop()
        yield node
        for parent, _ in node.next_functions if through(node) else ():
            if parent is not None and parent not in seen:
                seen.add(parent)
                waiting.append(parent)


def exponents(tensor: Tensor) -> list[str]:
    """What `exp` was applied to, where that came from `exp` or `softplus` itself: at most multiplied by a number above 0."""
    powers = [node for node in _behind(tensor) if operation(node) == "Exp"]
    inner = [_without_factor(next(p for p, _ in node.next_functions if p is not None)) for node in powers]
    return [name for name in inner if name in ("Exp", "Softplus")]


def _without_factor(node: Any) -> str:
    """The operation behind numbers that were moved, or multiplied by a number above 0."""
    while node is not None:
        name = operation(node)
        if name in ("Mul", "Div"):
            factor = saved(node, "other")
            if factor is None or factor.numel() != 1 or factor.item() <= 0:
                return name
        elif name not in SHAPES:
            return name
        node = next((parent for parent, _ in node.next_functions if parent is not None), None)
    return ""


def is_cosine(tensor: Tensor) -> bool:
    """Whether numbers are sums of products in which one factor, at least, was divided by its length."""
    return is_cosine_node(tensor.grad_fn)


def is_cosine_node(node: Any) -> bool:
    """The same, of the operation that gave them."""
    node = _behind_shapes(node)
    if node is None or operation(node) != "Sum":
        return False
    product = _behind_shapes(node.next_functions[0][0])
    if product is None or operation(product) != "Mul":
        return False
    return any(_divided_by_length(_behind_shapes(factor)) for factor, _ in product.next_functions)


def _behind_shapes(node: Any) -> Any:
    """The first operation on the way to a node that does more than move numbers."""
    while node is not None and operation(node) in SHAPES:
        node = node.next_functions[0][0]
    return node


def _divided_by_length(node: Any) -> bool:
    if node is None or operation(node) != "Div":
        return False
    length = _behind_shapes(node.next_functions[1][0])
    while length is not None and operation(length) in ("ClampMin", "Add"):
        length = _behind_shapes(length.next_functions[0][0])
    return length is not None and operation(length) in ("LinalgVectorNorm", "Norm", "Sqrt")


#: Operations that add up, or multiply by a number.
ADDING = {"Add", "Cat", "Div", "Mean", "Mul", "Stack", "Sub", "Sum"}


def hinges(tensor: Tensor) -> list[tuple[float, int]]:
    """The constants c of each relu(c ± p) that is added up to a tensor, with the sign of p, the output of a sigmoid or softmax."""
    found: list[tuple[float, int]] = []
    for node in _behind(tensor, through=lambda node: operation(node) in ADDING | SHAPES):
        name = operation(node)
        if (name == "Relu" or (name == "ClampMin" and node._saved_min == 0)) and (hinge := _hinge(node)) is not None:
            found.append(hinge)
    return found


def _hinge(node: Any) -> tuple[float, int] | None:
    kept = saved(node, "result" if operation(node) == "Relu" else "self")
    shifted = _behind_shapes(node.next_functions[0][0])
    if kept is None or not kept.numel() or not bool((kept > 0).all()) or shifted is None:
        return None
    operands = [parent for parent, _ in shifted.next_functions if parent is not None]
    if operation(shifted) not in ("Rsub", "Add", "Sub") or len(operands) != 1:
        return None
    squeezed = _behind_shapes(operands[0])
    p = saved(squeezed, "result") if squeezed is not None and operation(squeezed) in ("Sigmoid", "Softmax") else None
    if p is None or p.numel() != kept.numel():
        return None
    for sign in (-1, 1):
        constant = kept.flatten().double() - sign * p.flatten().double()
        if (constant - constant[0]).abs().max() < 1e-5:
            return round(constant[0].item(), 4), sign
    return None


def scaled_cosines(links: list[Link]) -> float | None:
    """By what the cosines of rows were multiplied, where numbers are such a product; None where it can be learned."""
    if not links or any(link.name not in ("Mul", "Div") for link in links[:-1]) or links[-1].name != "Mm":
        return None
    one, other = (saved(links[-1].node, name) for name in ("self", "mat2"))
    if one is None or other is None or min(one.shape[0], one.shape[1], other.shape[1]) < 2:
        return None
    lengths = torch.cat([one.norm(dim=1), other.norm(dim=0)])
    if not bool(((lengths - 1).abs() < 1e-3).all()):
        return None
    scale = 1.0
    for link in links[:-1]:
        factor = saved(link.node, "other")
        if factor is None or factor.numel() != 1:
            return None
        scale = scale * factor.item() if link.name == "Mul" else scale / factor.item()
    return scale


def last_layer_learns(links: list[Link]) -> bool:
    """Whether the weights of the last layer carry a gradient; where no layer is to be seen, they may."""
    link = next((one for one in links if one.name in LAYERS), None)
    place = {"Addmm": 2, "Mm": 1, "Convolution": 1}.get(link.name if link is not None else "")
    return link is None or place is None or carried(link.node)[place] is not None


def multiplies(factor: Tensor, result: Tensor) -> bool:
    """Whether a tensor, its graph included, is a factor of something else that carries a gradient, on the way to a result."""
    for node in _behind(result, through=lambda node: node is not factor.grad_fn):
        if operation(node) == "Mul" and node is not factor.grad_fn:
            factors = [_is_made_of(parent, factor.grad_fn) for parent, _ in node.next_functions if parent is not None]
            if len(factors) == 2 and any(factors) and not all(factors):
                return True
    return False


def _is_made_of(node: Any, source: Any) -> bool:
    """Whether numbers are those of another operation, moved, shifted or divided, as a standardized advantage is."""
    while node is not None and node is not source and operation(node) in SHAPES | {"Sub", "Div", "Neg"}:
        node = node.next_functions[0][0]
    return node is source
