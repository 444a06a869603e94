"""Our functions against the samples inside the torch wheel, which nobody here wrote."""

import functools
import inspect
import re
import warnings

import pytest
import torch
from torch.testing import assert_close

from lossbook import functional as lf
from lossbook import nn as lnn
from lossbook.catalogue import CATALOGUE

from . import TORCH

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the suites warn of optional packages
    from torch.testing._internal import common_nn
    from torch.testing._internal.common_methods_invocations import op_db
    from torch.testing._internal.common_modules import module_db

OURS = {f"nn.functional.{e.torch_function.__name__}": e.function for e in CATALOGUE if e.torch_function}
OURS |= {"softmax": lf.softmax, "log_softmax": lf.log_softmax}
OPERATORS = [op for op in op_db if op.name in OURS]
MODULES = [info for info in module_db if info.module_cls.__name__ in lnn.__all__]

# How many cases torch 2.13 ships. A smaller number means that some were lost, not that all is well; but an older torch
# may ship fewer.
OLDER = TORCH < (2, 13)
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
    "nn.functional.linear_cross_entropy": 119,
    "nn.functional.linear_cross_entropy chunked": 133,
    "nn.functional.linear_cross_entropy chunked_none": 77,
    "nn.functional.ctc_loss": 12,
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
    "LinearCrossEntropyLoss": 857,
    "CTCLoss": 40,
    "Softmax": 3,
    "LogSoftmax": 4,
}

# Samples that we refuse, each with this sentence, and how many: labels that are random numbers instead of 1 and −1;
# a target of shape (5,) against an input of shape (5, 5), which torch broadcasts without documenting it.
REFUSED = {
    "nn.functional.hinge_embedding_loss": {
        "sentence": "must hold 1 and −1 only|must have the same shape",
        "float64": 1,
        "float32": 1,
        "reference": 4,
    },
    "nn.functional.margin_ranking_loss": {"sentence": "must have the same shape", "reference": 3},
    "nn.functional.gaussian_nll_loss": {
        "sentence": "target must have the shape of input",
        "float64": 72,
        "float32": 72,
        "reference": 72,
    },
}


def name(op):
    return f"{op.name} {op.variant_test_name}".strip()


def agree(got, expected, inputs, twins, is_ctc=False):
    """Value, shape and type, whether it carries a gradient, and the gradient under a random cotangent."""
    assert_close(got, expected, equal_nan=True)  # nan: every target ignored
    assert got.requires_grad == expected.requires_grad
    if not expected.requires_grad:
        return
    cotangent = torch.randn_like(expected)
    pairs = [(x, y) for x, y in zip(inputs, twins, strict=True) if x.requires_grad]
    ours = torch.autograd.grad(got, [x for x, _ in pairs], cotangent, allow_unused=True)
    theirs = torch.autograd.grad(expected, [y for _, y in pairs], cotangent, allow_unused=True)
    for a, b, (x, _) in zip(ours, theirs, pairs, strict=True):
        assert (a is None) == (b is None)
        if is_ctc:
            # torch's gradient contains the step through log_softmax, ours does not: below it both agree. After the 50
            # frames of a sample torch's is off by 1e-4 in float32, ours by a tenth of that.
            a, b = (g - x.detach().exp() * g.sum(-1, keepdim=True) for g in (a, b))
            tolerance = {"rtol": 1e-3, "atol": 2e-4} if x.dtype == torch.float32 else {}
            assert_close(a, b, **tolerance)
        elif b is not None:
            assert_close(a, b, equal_nan=True)


def twin(values):
    """Tensors twice, so that each side has gradients of its own."""
    return [v.detach().clone().requires_grad_(v.requires_grad) if isinstance(v, torch.Tensor) else v for v in values]


def tensors(values):
    return [v for v in values if isinstance(v, torch.Tensor)]


@pytest.mark.parametrize("op", OPERATORS, ids=name)
@pytest.mark.parametrize("kind", ["float64", "float32", "reference"])
@pytest.mark.filterwarnings("ignore:reduction:UserWarning")  # torch advises against the mean of kl_div
def test_operator_samples(op, kind):
    if kind == "reference":
        samples = list(op.reference_inputs("cpu", torch.float64, requires_grad=True))
    else:
        samples = list(op.sample_inputs("cpu", getattr(torch, kind), requires_grad=True))
    assert len(samples) >= (1 if OLDER else SAMPLES[name(op)])
    refused = 0
    for sample in samples:
        ours, theirs = twin([sample.input, *sample.args]), twin([sample.input, *sample.args])
        names = list(sample.kwargs)
        ours_named = dict(zip(names, twin(sample.kwargs.values()), strict=True))
        theirs_named = dict(zip(names, twin(sample.kwargs.values()), strict=True))
        try:
            value = OURS[op.name](*ours, **ours_named)
        except ValueError as error:
            if not re.search(REFUSED.get(op.name, {}).get("sentence", "no sentence"), str(error)):
                raise
            refused += 1
            continue
        agree(
            value,
            op(*theirs, **theirs_named),
            tensors([*ours, *ours_named.values()]),
            tensors([*theirs, *theirs_named.values()]),
            is_ctc=op.name == "nn.functional.ctc_loss",
        )
    assert refused == REFUSED.get(op.name, {}).get(kind, 0)


@pytest.mark.parametrize("op", [op for op in OPERATORS if op.error_inputs_func], ids=name)
def test_operator_errors(op):
    """What torch refuses we refuse too, in a sentence of our own; but for what we compute rightly."""
    cases = list(op.error_inputs("cpu"))
    assert cases
    for case in cases:
        sample = case.sample_input
        with pytest.raises((ValueError, TypeError, IndexError)) as refused:
            OURS[op.name](sample.input, *sample.args, **sample.kwargs)
        assert "\n" not in str(refused.value)


def test_no_operator_is_forgotten():
    lacking = {f"nn.functional.{name}" for name in lf.__all__ if not hasattr(torch.nn.functional, name)}
    assert {name(op) for op in OPERATORS} == {name for name in SAMPLES if name.split()[0] not in lacking}


@pytest.mark.parametrize("info", MODULES, ids=lambda info: info.module_cls.__name__)
@pytest.mark.filterwarnings("ignore:reduction:UserWarning")  # torch advises against the mean of KLDivLoss
def test_module_samples(info):
    ours_class = getattr(lnn, info.module_cls.__name__)
    samples = list(info.module_inputs_func(info, device="cpu", dtype=torch.float64, requires_grad=True, training=True))
    assert len(samples) >= (1 if OLDER else MODULE_SAMPLES[info.module_cls.__name__])
    for sample in samples:
        built, given = sample.constructor_input, sample.forward_input
        theirs = info.module_cls(*built.args, **built.kwargs)
        names = list(inspect.signature(info.module_cls).parameters)
        ours = ours_class(**dict(zip(names, built.args, strict=False)), **built.kwargs)
        ours.load_state_dict(theirs.state_dict())
        inputs, twins = twin(given.args), twin(given.args)
        agree(
            ours(*inputs),
            theirs(*twins),
            [*tensors(inputs), *ours.parameters()],
            [*tensors(twins), *theirs.parameters()],
            is_ctc=info.module_cls.__name__ == "CTCLoss",
        )
        if sample.reference_fn is not None:
            detached = [x.detach() if isinstance(x, torch.Tensor) else x for x in given.args]
            assert_close(ours(*detached), sample.reference_fn(theirs, *detached), equal_nan=True)


@pytest.mark.parametrize(
    "info", [i for i in MODULES if i.module_error_inputs_func], ids=lambda i: i.module_cls.__name__
)
def test_module_errors(info):
    """What torch's modules refuse ours refuse too, when they are built or when they are called."""
    cases = list(info.module_error_inputs_func(info, "cpu", torch.float64, requires_grad=True, training=True))
    assert cases
    for case in cases:
        built, given = case.module_error_input.constructor_input, case.module_error_input.forward_input
        names = list(inspect.signature(info.module_cls).parameters)
        settings = {**dict(zip(names, built.args, strict=False)), **built.kwargs}
        build = functools.partial(getattr(lnn, info.module_cls.__name__), **settings)
        with pytest.raises((ValueError, TypeError, IndexError)):
            build() if given is None else build()(*given.args, **given.kwargs)


class OurFunctions:
    """torch.nn.functional, with our losses in place of torch's."""

    def __getattr__(self, function):
        return getattr(lf, function) if function in lf.__all__ else getattr(torch.nn.functional, function)


LEGACY = "legacy_enum"  # passes the reduction as a number, as torch did before 0.4


def test_cases_of_common_nn(monkeypatch):
    """torch's older cases without reduction: our functions against torch's and against its Python references."""
    every = getattr(common_nn, "get_new_module_tests", lambda: common_nn.new_module_tests)  # a list in torch 2.6
    names = [case.get("fullname", "") for case in every()]
    losses = [i for i, name in enumerate(names) if "loss" in name.lower() and LEGACY not in name]
    for i in losses:
        torch.manual_seed(i)
        theirs = every()[i]
        made = theirs.get("input_fn", lambda case=theirs: case.get("input", None))()
        input = torch.randn(theirs["input_size"]) if made is None else made
        input = input.to(theirs.get("default_dtype", input.dtype)) if input.is_floating_point() else input
        expected = theirs["constructor"]()(input)
        with monkeypatch.context() as patch:
            patch.setattr(common_nn, "F", OurFunctions())
            value = theirs["constructor"]()(input)
        assert_close(value, expected, msg=names[i])
    assert len(losses) >= 49


@pytest.mark.parametrize("case", common_nn.criterion_tests, ids=lambda case: case["fullname"])
def test_criterions_of_common_nn(case):
    """A sample alone is a batch of one. torch builds all of these with reduction='sum', whatever their names say."""
    loss, reduction = case["fullname"].split("_")[0], case["fullname"].split("_")[-1]
    input = case["input_fn"]() if "input_fn" in case else torch.randn(case["input_size"])
    target = case["target_fn"]() if "target_fn" in case else torch.randn(case["target_size"])
    inputs = list(input) if isinstance(input, (list, tuple)) else [input]
    module = getattr(lnn, loss)(reduction=reduction)
    alone = module(*inputs, target)
    batch = module(*(x.unsqueeze(0) for x in (*inputs, target)))
    assert_close(alone, batch.reshape(alone.shape))
    assert_close(alone, getattr(torch.nn, loss)(reduction=reduction)(*inputs, target))
