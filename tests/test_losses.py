"""What is true of every loss of the catalogue, against two oracles: its plain-Python definition and torch."""

import copy
import inspect
import pickle
import subprocess
import sys

import pytest
import torch
from torch.testing import assert_close

from lossbook.catalogue import CATALOGUE

every_loss = pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
every_setting = pytest.mark.parametrize(
    ("entry", "settings"),
    [
        pytest.param(entry, {**settings, "reduction": reduction}, id=f"{entry.name}-{i}-{reduction}")
        for entry in CATALOGUE
        for i, settings in enumerate(entry.settings)
        for reduction in ("none", "mean", "sum")
    ],
)


def by_definition(entry, inputs, reduction="mean", **settings):
    """The loss by its plain-Python definition, from lists: no tensor arithmetic but the final comparison."""
    lists = {k: v.tolist() if isinstance(v, torch.Tensor) else v for k, v in settings.items()}
    terms = list(entry.definition(*(x.tolist() for x in inputs), **lists))
    if reduction == "none":
        return [term.loss for term in terms]
    total = sum(term.loss for term in terms)
    return total if reduction == "sum" else total / sum(term.share for term in terms)


@every_setting
def test_equals_its_definition(entry, settings, generator):
    inputs = entry.sample(generator)
    expected = torch.tensor(by_definition(entry, inputs, **settings), dtype=torch.float64)
    assert_close(entry.function(*inputs, **settings).flatten(), expected.flatten(), rtol=1e-12, atol=1e-12)


@every_setting
def test_equals_torch(entry, settings, generator):
    input, target = entry.sample(generator)
    ours, theirs = (input.clone().requires_grad_() for _ in range(2))
    value, expected = entry.function(ours, target, **settings), entry.torch_function(theirs, target, **settings)
    assert_close(value, expected)
    upstream = torch.rand(value.shape, generator=generator, dtype=value.dtype) + 0.5
    assert_close(*(torch.autograd.grad(v, x, upstream)[0] for v, x in ((value, ours), (expected, theirs))))


@every_setting
def test_gradient_by_finite_differences(entry, settings, generator):
    input, target = entry.sample(generator)
    input.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: entry.function(x, target, **settings), input)
    assert torch.autograd.gradgradcheck(lambda x: entry.function(x, target, **settings), input)


@every_setting
def test_module_is_the_function(entry, settings, generator):
    inputs = entry.sample(generator)
    assert_close(entry.module(**settings)(*inputs), entry.function(*inputs, **settings), rtol=0, atol=0)


@every_setting
def test_inputs_are_left_alone(entry, settings, generator):
    inputs = entry.sample(generator)
    before = [x.clone() for x in inputs]
    entry.function(*inputs, **settings)
    for x, was in zip(inputs, before, strict=True):
        assert torch.equal(x, was)


@every_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_other_types_keep_their_type(entry, dtype, generator):
    input, target = entry.sample(generator)
    target = target.to(dtype) if target.is_floating_point() else target
    value = entry.function(input.to(dtype), target)
    assert value.dtype == dtype
    assert_close(
        value.double(),
        entry.function(input.to(dtype).double(), target),
        rtol=4 * torch.finfo(dtype).eps,
        atol=0,
        check_dtype=False,
    )


@every_loss
def test_non_contiguous_input(entry, generator):
    input, target = entry.sample(generator)
    strided = torch.stack([input, input * 0], dim=-1)[..., 0]
    assert not strided.is_contiguous()
    assert_close(entry.function(strided, target), entry.function(input, target))


@every_loss
def test_compiles_without_graph_breaks(entry, generator):
    inputs = entry.sample(generator)
    compiled = torch.compile(entry.function, fullgraph=True, backend="aot_eager")
    assert_close(compiled(*inputs), entry.function(*inputs))


@every_loss
def test_survives_pickle_and_copy(entry, generator):
    inputs = entry.sample(generator)
    for settings in entry.settings:
        module = entry.module(**settings)
        for twin in (pickle.loads(pickle.dumps(module)), copy.deepcopy(module)):
            assert_close(twin(*inputs), module(*inputs))
        torch_module = getattr(torch.nn, entry.module.__name__)
        if set(settings) <= set(inspect.signature(torch_module).parameters):
            assert list(module.state_dict()) == list(torch_module(**settings).state_dict())


@every_loss
def test_weight_moves_with_the_module(entry):
    weighted = [settings for settings in entry.settings if "weight" in settings]
    assert weighted, f"{entry.name} takes a weight, but its entry never tries one"
    assert entry.module(**weighted[0]).to("meta").weight.is_meta


@every_loss
def test_meta_device_gives_shapes(entry, generator):
    input, target = (x.to("meta") for x in entry.sample(generator))
    assert entry.function(input, target).shape == ()
    assert entry.function(input, target, reduction="none").shape == target.shape


@every_loss
def test_takes_torchs_settings(entry):
    """Any torch call with keyword settings runs unchanged: torch's settings, with torch's defaults."""
    ours = inspect.signature(entry.function).parameters
    theirs = inspect.signature(entry.torch_function).parameters
    deprecated = {"size_average", "reduce"}
    assert set(ours) == set(theirs) - deprecated
    for name in ours:
        assert ours[name].default == theirs[name].default, name


@every_loss
def test_repr_builds_the_module_again(entry):
    from lossbook import nn  # noqa: F401  (the repr names a class of it)

    module = entry.module()
    assert repr(eval(f"nn.{module!r}")) == repr(module)


def test_importing_needs_only_torch():
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['matplotlib', 'numpy', 'IPython']));"
        "import lossbook, torch; print(lossbook.functional.l1_loss(torch.tensor([1.]), torch.tensor([3.])).item())"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert done.stdout == "2.0\n", done.stderr
