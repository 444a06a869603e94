"""Our functions against the samples inside the torch wheel, which nobody here wrote."""

import warnings

import pytest
import torch
from torch.testing import assert_close

from lossbook import functional as lf
from lossbook import nn as lnn
from lossbook.catalogue import CATALOGUE

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the suites warn of optional packages
    from torch.testing._internal.common_methods_invocations import op_db
    from torch.testing._internal.common_modules import module_db

OURS = {f"nn.functional.{entry.torch_function.__name__}": entry.function for entry in CATALOGUE}
OURS |= {"softmax": lf.softmax, "log_softmax": lf.log_softmax}
OPERATORS = [op for op in op_db if op.name in OURS]
MODULES = [info for info in module_db if info.module_cls.__name__ in lnn.__all__]

# How many cases torch 2.13 ships. A smaller number means that some were lost, not that all is well.
SAMPLES = {
    "softmax": 7,
    "softmax with_dtype": 7,
    "log_softmax": 7,
    "log_softmax with_dtype": 7,
    "nn.functional.l1_loss": 6,
    "nn.functional.mse_loss": 6,
    "nn.functional.smooth_l1_loss": 8,
    "nn.functional.huber_loss": 9,
    "nn.functional.poisson_nll_loss": 72,
    "nn.functional.gaussian_nll_loss": 324,
    "nn.functional.kl_div": 16,
    "nn.functional.binary_cross_entropy": 11,
    "nn.functional.binary_cross_entropy_with_logits": 26,
    "nn.functional.nll_loss": 61,
    "nn.functional.cross_entropy": 21,
    "nn.functional.hinge_embedding_loss": 10,
    "nn.functional.soft_margin_loss": 6,
    "nn.functional.margin_ranking_loss": 24,
    "nn.functional.multi_margin_loss": 10,
    "nn.functional.multilabel_margin_loss": 6,
    "nn.functional.multilabel_soft_margin_loss": 4,
    "nn.functional.cosine_embedding_loss": 6,
    "nn.functional.triplet_margin_loss": 7,
    "nn.functional.triplet_margin_with_distance_loss": 7,
}


# At least as many of the modules' samples.
MODULE_SAMPLES = {
    "CosineEmbeddingLoss": 5,
    "L1Loss": 5,
    "SmoothL1Loss": 8,
    "KLDivLoss": 10,
    "MSELoss": 8,
    "MarginRankingLoss": 5,
    "MultiLabelMarginLoss": 8,
    "MultiMarginLoss": 7,
    "SoftMarginLoss": 4,
    "MultiLabelSoftMarginLoss": 5,
    "NLLLoss": 28,
    "GaussianNLLLoss": 5,
    "PoissonNLLLoss": 7,
    "HingeEmbeddingLoss": 10,
    "HuberLoss": 4,
    "BCELoss": 6,
    "BCEWithLogitsLoss": 6,
    "CrossEntropyLoss": 105,
    "Softmax": 3,
    "LogSoftmax": 4,
}

# Samples that we refuse, each with this sentence, and how many: labels that are random numbers instead of 1 and −1;
# a target of shape (5,) against an input of shape (5, 5), which torch broadcasts without documenting it.
REFUSED = {
    "nn.functional.hinge_embedding_loss": (1, "must hold 1 and −1 only"),
    "nn.functional.gaussian_nll_loss": (72, "target must have the shape of input"),
}


def name(op):
    return f"{op.name} {op.variant_test_name}".strip()


def agree(got, expected, inputs, twins):
    """Value, shape and type, whether it carries a gradient, and the gradient under a random cotangent."""
    assert_close(got, expected, equal_nan=True)  # nan: every target ignored
    assert got.requires_grad == expected.requires_grad
    if not expected.requires_grad:
        return
    cotangent = torch.randn_like(expected)
    pairs = [(x, y) for x, y in zip(inputs, twins, strict=True) if x.requires_grad]
    ours = torch.autograd.grad(got, [x for x, _ in pairs], cotangent, allow_unused=True)
    theirs = torch.autograd.grad(expected, [y for _, y in pairs], cotangent, allow_unused=True)
    for a, b in zip(ours, theirs, strict=True):
        assert (a is None) == (b is None)
        if b is not None:
            assert_close(a, b, equal_nan=True)


def twin(values):
    """Tensors twice, so that each side has gradients of its own."""
    return [v.detach().clone().requires_grad_(v.requires_grad) if isinstance(v, torch.Tensor) else v for v in values]


def tensors(values):
    return [v for v in values if isinstance(v, torch.Tensor)]


@pytest.mark.parametrize("op", OPERATORS, ids=name)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_operator_samples(op, dtype):
    samples = list(op.sample_inputs("cpu", dtype, requires_grad=True))
    assert len(samples) >= SAMPLES[name(op)]
    refused = 0
    for sample in samples:
        ours, theirs = twin([sample.input, *sample.args]), twin([sample.input, *sample.args])
        names = list(sample.kwargs)
        ours_named = dict(zip(names, twin(sample.kwargs.values()), strict=True))
        theirs_named = dict(zip(names, twin(sample.kwargs.values()), strict=True))
        try:
            value = OURS[op.name](*ours, **ours_named)
        except ValueError as error:
            if op.name not in REFUSED or REFUSED[op.name][1] not in str(error):
                raise
            refused += 1
            continue
        agree(
            value,
            op(*theirs, **theirs_named),
            tensors([*ours, *ours_named.values()]),
            tensors([*theirs, *theirs_named.values()]),
        )
    assert refused == REFUSED.get(op.name, (0,))[0]


def test_no_operator_is_forgotten():
    assert {name(op) for op in OPERATORS} == set(SAMPLES)


@pytest.mark.parametrize("info", MODULES, ids=lambda info: info.module_cls.__name__)
@pytest.mark.filterwarnings("ignore:reduction:UserWarning")  # torch advises against the mean of KLDivLoss
def test_module_samples(info):
    ours_class = getattr(lnn, info.module_cls.__name__)
    samples = list(info.module_inputs_func(info, device="cpu", dtype=torch.float64, requires_grad=True, training=True))
    assert len(samples) >= MODULE_SAMPLES[info.module_cls.__name__]
    for sample in samples:
        built, given = sample.constructor_input, sample.forward_input
        theirs = info.module_cls(*built.args, **built.kwargs)
        settings = dict(built.kwargs)
        if built.args:  # Softmax(1)
            settings["dim"] = built.args[0]
        inputs, twins = twin(given.args), twin(given.args)
        agree(ours_class(**settings)(*inputs), theirs(*twins), tensors(inputs), tensors(twins))
        if sample.reference_fn is not None:
            detached = [x.detach() if isinstance(x, torch.Tensor) else x for x in given.args]
            assert_close(ours_class(**settings)(*detached), sample.reference_fn(theirs, *detached), equal_nan=True)
