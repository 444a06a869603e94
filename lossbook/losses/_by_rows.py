r"""The engine of linear cross-entropy: losses and gradients from a few rows of logits at a time.

The loss of a sample is :math:`-\sum_j a_j \log p_j` with :math:`a_j` for what its target asks of class j, its gradient
:math:`p_k \sum_j a_j - a_k`. Tensors: N samples, C classes, K positions; logits have shape (N, C, K), a few samples of
them (n, C, K).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import linear


class ByRows(torch.autograd.Function):
    """The losses, or their sum times ``scale``, with few logits at a time.

    The sum computes its gradients on the way, while the logits are there. Single losses leave that to backward, when
    it is known what each is multiplied by; so does a second backward.
    """

    @staticmethod
    def forward(ctx, input, matrix, bias, sweep, plain, scale, learn):
        ctx.save_for_backward(input, matrix, bias)
        ctx.sweep, ctx.plain, ctx.scale = sweep, plain, scale
        needs_grad = [learn and needed for needed in ctx.needs_input_grad[:3]]
        losses, ctx.gradients = sweep(input, matrix, bias, 1 if scale is None else scale, needs_grad)
        return (losses if scale is None else losses.sum()).to(input.dtype)

    @staticmethod
    def backward(ctx, upstream):
        layer, needs_grad = ctx.saved_tensors, ctx.needs_input_grad[:3]
        again = torch.is_grad_enabled()  # create_graph: the gradients will be differentiated
        if again or torch._C._functorch.is_legacy_batchedtensor(upstream):  # is_grads_batched: several at once
            learning = [x for x, needed in zip(layer, needs_grad, strict=True) if needed]
            with torch.enable_grad():
                loss = ctx.plain(*layer).reshape(upstream.shape)
            found = iter(torch.autograd.grad(loss, learning, upstream, create_graph=again))
            gradients = [next(found) if needed else None for needed in needs_grad]
        elif any(g is not None for g in ctx.gradients):
            gradients, ctx.gradients = ctx.gradients, ()  # handed out, so that nobody has to copy them
            gradients = [None if g is None else g.mul_(upstream) for g in gradients]
        else:
            _losses, gradients = ctx.sweep(*layer, upstream if ctx.scale is None else upstream * ctx.scale, needs_grad)
        return *gradients, None, None, None, None


def sweep(
    input: Tensor,
    matrix: Tensor,
    bias: Tensor | None,
    scale: Tensor | float,
    needs_grad: Sequence[bool],
    *,
    targets: Tensor,
    class_weights: Callable[[Tensor, Tensor], tuple[Tensor, Tensor | None, Tensor]],
    rows: int,
) -> tuple[Tensor, list[Tensor | None]]:
    """The losses times ``scale``, shape (N, K), and the gradients of their sum for those of the layer that learn."""
    layer = zip((input, matrix, bias), needs_grad, strict=True)
    gradients = [torch.zeros_like(x) if needed and x is not None else None for x, needed in layer]
    grad_input, grad_matrix, grad_bias = gradients
    losses = input.new_empty(len(input), targets.shape[-1], dtype=torch.promote_types(input.dtype, torch.float32))
    scales = torch.as_tensor(scale, dtype=losses.dtype, device=input.device).expand_as(losses)

    def sweep_over(part: slice) -> None:  # a function, so that its logits are gone before the next ones come
        a, index, counts = class_weights(targets[part], scales[part])
        x = torch.where(counts, input[part], 0)  # an ignored sample may hold anything
        z = linear(x, matrix, bias).to(a.dtype).view(len(x), -1, a.shape[2])
        z.sub_(z.amax(1, keepdim=True))
        logits_of_target = z if index is None else z.gather(1, index)
        picked = torch.where(a == 0, 0, a * logits_of_target).sum(1)  # 0 · log 0 counts as 0
        total, normalizer = a.sum(1), z.exp_().sum(1)
        losses[part] = total * normalizer.log() - picked
        if not any(needs_grad):
            return
        z.mul_((total / normalizer).unsqueeze(1))
        grad_logits = z.sub_(a) if index is None else z.scatter_add_(1, index, -a)
        grad_logits = grad_logits.flatten(1).to(input.dtype)
        if grad_input is not None:
            grad_input[part] = grad_logits @ matrix
        if grad_matrix is not None:
            grad_matrix.addmm_(grad_logits.T, x)
        if grad_bias is not None:
            grad_bias.add_(grad_logits.sum(0))

    for start in range(0, len(input), rows):
        sweep_over(slice(start, start + rows))
    return losses, gradients


def class_weights_of(
    target: Tensor, scale: Tensor, *, classes: int, weight: Tensor | None, ignored: int, smoothing: float
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Per sample: the weight of each class's −log p, the class numbers, and a mask of samples that are not ignored.

    The weights have shape (n, C, K), with ``None`` for the indices, or (n, 1, K) where each target is one class.
    """
    index: Tensor | None
    if target.is_floating_point():
        counts, index = torch.ones_like(scale, dtype=torch.bool).unsqueeze(1), None
        scale = scale.unsqueeze(1)
        class_weights = target * scale
    else:
        counts = (target != ignored).unsqueeze(1)
        scale = torch.where(counts, scale.unsqueeze(1), 0)
        index, class_weights = torch.where(counts, target.unsqueeze(1), 0).long(), scale
        if smoothing:
            class_weights = scale.new_zeros(len(target), classes, target.shape[1]).scatter_(1, index, scale)
            index = None
    if smoothing:
        class_weights = (1 - smoothing) * class_weights + scale * (smoothing / classes)
    if weight is not None:
        weight = weight.to(class_weights.dtype)
        class_weights = class_weights * (weight.unsqueeze(1) if index is None else weight[index])
    return class_weights, index, counts.flatten(1).any(1, keepdim=True)
