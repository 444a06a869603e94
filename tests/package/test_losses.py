"""What is true of every loss of the catalogue, against two oracles: its plain-Python definition and torch."""

import copy
import inspect
import pickle
import subprocess
import sys
import warnings

import pytest
import torch
from torch.autograd import forward_ad
from torch.testing import assert_close

from lossbook import functional
from lossbook.catalogue import CATALOGUE
from lossbook.kit.loss import rules_of
from lossbook.kit.settings import tensor_or_none

FUNCTIONS = [entry for entry in CATALOGUE if entry.function]
# A module that owns parameters takes fewer tensors than its function: its own tests compare the two.
module_alone = pytest.mark.parametrize("entry", [e for e in FUNCTIONS if not e.sizes], ids=lambda entry: entry.name)
every_loss = pytest.mark.parametrize("entry", FUNCTIONS, ids=lambda entry: entry.name)
IN_TORCH = [entry for entry in FUNCTIONS if entry.function.__name__ in functional.__all__]
every_loss_of_torch = pytest.mark.parametrize("entry", IN_TORCH, ids=lambda entry: entry.name)


def with_settings(entries):
    """Each loss with each of its settings and each reduction."""
    cases = [
        pytest.param(entry, {**settings, "reduction": reduction}, id=f"{entry.name}-{i}-{reduction}")
        for entry in entries
        for i, settings in enumerate(entry.settings)
        for reduction in ("none", "mean", "sum")
    ]
    return pytest.mark.parametrize(("entry", "settings"), cases)


every_setting = with_settings(FUNCTIONS)


def by_definition(entry, inputs, reduction="mean", **settings):
    """The loss by its plain-Python definition, from lists: no tensor arithmetic but the final comparison."""
    lists = {k: v.tolist() if isinstance(v, torch.Tensor) else v for k, v in settings.items()}
    terms = list(entry.definition(*(x.tolist() for x in inputs), **lists))
    if reduction == "none":
        return [term.loss for term in terms]
    if reduction == "sum":
        return sum(term.loss for term in terms)
    return sum(term.loss / term.own for term in terms) / sum(term.share for term in terms)


@every_setting
def test_equals_its_definition(entry, settings, generator):
    inputs = entry.sample(generator)
    expected = torch.tensor(by_definition(entry, inputs, **settings), dtype=torch.float64)
    assert_close(entry.function(*inputs, **settings).flatten(), expected.flatten(), rtol=1e-12, atol=1e-12)


def variables(entry, inputs):
    """Which of the inputs are predictions, so that a gradient flows to them: all numbers but the target."""
    names = inspect.signature(entry.function).parameters
    return [
        i for i, (name, x) in enumerate(zip(names, inputs, strict=False)) if x.is_floating_point() and name != "target"
    ]


def with_gradient(entry, inputs):
    """Copies of the inputs, and those of them that carry a gradient."""
    copies = [x.clone() for x in inputs]
    return copies, [copies[i].requires_grad_() for i in variables(entry, inputs)]


@with_settings(IN_TORCH)
def test_equals_torch(entry, settings, generator, comparable, in_torch):
    torch_function = in_torch(entry.torch_function)
    inputs = entry.sample(generator)
    (ours, x), (theirs, y) = with_gradient(entry, inputs), with_gradient(entry, inputs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch advises against the mean of kl_div
        value, expected = entry.function(*ours, **settings), torch_function(*theirs, **settings)
    assert_close(value, expected)
    upstream = torch.rand(value.shape, generator=generator, dtype=value.dtype) + 0.5
    for a, b in zip(torch.autograd.grad(value, x, upstream), torch.autograd.grad(expected, y, upstream), strict=True):
        assert_close(comparable(entry, a, inputs), comparable(entry, b, inputs))


# No gradient flows through a weight in them, so theirs is not the derivative of the value; their own tests compare it.
WITH_DETACHED_WEIGHT = {"ciou"}


@every_setting
def test_gradient_by_finite_differences(entry, settings, generator):
    if entry.name in WITH_DETACHED_WEIGHT:
        return
    inputs, _ = with_gradient(entry, entry.sample(generator))
    assert torch.autograd.gradcheck(lambda *x: entry.function(*x, **settings), inputs)
    assert torch.autograd.gradgradcheck(lambda *x: entry.function(*x, **settings), inputs)


@every_setting
def test_gradient_of_weights_by_finite_differences(entry, settings, generator):
    inputs = entry.sample(generator)
    for name, weight in settings.items():
        if isinstance(weight, torch.Tensor):
            assert torch.autograd.gradcheck(
                lambda w, name=name: entry.function(*inputs, **{**settings, name: w}), weight.clone().requires_grad_()
            )


@module_alone
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_module_is_the_function(entry, reduction, generator):
    inputs = entry.sample(generator)
    for settings in ({**settings, "reduction": reduction} for settings in entry.settings):
        assert_close(entry.module(**settings)(*inputs), entry.function(*inputs, **settings), rtol=0, atol=0)


@every_setting
def test_inputs_are_left_alone(entry, settings, generator):
    inputs = entry.sample(generator)
    before = [x.clone() for x in inputs]
    entry.function(*inputs, **settings)
    for x, was in zip(inputs, before, strict=True):
        assert torch.equal(x, was)


@every_setting
def test_nan_is_passed_on_or_refused(entry, settings, generator):
    inputs = entry.sample(generator)
    for i in variables(entry, inputs):
        broken = torch.full_like(inputs[i], torch.nan)
        try:
            losses = entry.function(*inputs[:i], broken, *inputs[i + 1 :], **settings)
        except ValueError:
            continue
        assert losses.isnan().any()


@every_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_other_types_keep_their_type(entry, dtype, generator):
    inputs = [x.to(dtype) if x.is_floating_point() else x for x in entry.sample(generator)]
    value = entry.function(*inputs, reduction="none")
    assert value.dtype == dtype
    exact = entry.function(*(x.double() if x.is_floating_point() else x for x in inputs), reduction="none")
    # A few roundings, each of half a unit in the last place of the largest intermediate value.
    tolerance = 8 * torch.finfo(dtype).eps
    assert_close(value.double(), exact, rtol=tolerance, atol=tolerance * max(1.0, float(exact.abs().max())))


@every_loss
def test_non_contiguous_input(entry, generator):
    inputs = entry.sample(generator)
    strided = [torch.stack([x, x], dim=-1)[..., 0] for x in inputs]
    assert not any(x.is_contiguous() for x in strided)
    assert_close(entry.function(*strided), entry.function(*inputs))


# Not all of their tensors have the samples in the first dimension; their own tests map over them.
SAMPLES_ELSEWHERE = {"ctc", "linear_cross_entropy", "arcface"}


@every_loss
def test_torch_func(entry, generator):
    """grad and vmap of torch.func: one sample at a time is the batch with reduction none."""
    inputs = entry.sample(generator)
    variable, rest = inputs[0], inputs[1:]
    gradient = torch.func.grad(lambda x: entry.function(x, *rest))(variable)
    (copy, *_), (x, *_) = with_gradient(entry, inputs)
    assert_close(gradient, torch.autograd.grad(entry.function(copy, *rest), x)[0])
    if entry.coupled or entry.name in SAMPLES_ELSEWHERE:
        return
    alone = torch.func.vmap(lambda *sample: entry.function(*sample, reduction="none"))(*inputs)
    assert_close(alone, entry.function(*inputs, reduction="none"))


@every_loss
def test_forward_mode_over_a_backward_pass(entry, generator):
    """A product with the Hessian, once by a backward pass of which no graph is kept."""
    x, *rest = entry.sample(generator)
    x.requires_grad_()
    direction = torch.randn(x.shape, generator=generator, dtype=x.dtype)
    gradient = torch.autograd.grad(entry.function(x, *rest), x, create_graph=True)[0]
    expected = torch.zeros_like(x)
    if gradient.requires_grad:
        expected = torch.autograd.grad((gradient * direction).sum(), x, materialize_grads=True)[0]
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, direction)
        found = forward_ad.unpack_dual(torch.autograd.grad(entry.function(dual, *rest), dual)[0]).tangent
    assert_close(torch.zeros_like(x) if found is None else found, expected)


@every_loss
def test_compiles_without_graph_breaks(entry, generator):
    inputs = entry.sample(generator)
    compiled = torch.compile(entry.function, fullgraph=True, backend="aot_eager")
    assert_close(compiled(*inputs), entry.function(*inputs))


@module_alone
def test_survives_pickle_and_copy(entry, generator):
    inputs = entry.sample(generator)
    for settings in entry.settings:
        module = entry.module(**settings)
        for twin in (pickle.loads(pickle.dumps(module)), copy.deepcopy(module)):
            assert_close(twin(*inputs), module(*inputs))
        if entry.torch_module and set(settings) <= set(inspect.signature(entry.torch_module).parameters):
            assert list(module.state_dict()) == list(entry.torch_module(**settings).state_dict())


@every_loss
def test_tensor_settings_are_tried_and_move_with_the_module(entry):
    rules = rules_of(entry.function)
    for name in [name for name, rule in rules.items() if rule is tensor_or_none]:
        given = [settings for settings in entry.settings if name in settings]
        assert given, f"{entry.name} takes {name}, but its entry never tries one"
        assert getattr(entry.module(**entry.sizes, **given[0]).to("meta"), name).is_meta


@every_loss
def test_meta_device_gives_shapes(entry, generator):
    inputs = entry.sample(generator)
    on_meta = [x.to("meta") for x in inputs]
    assert entry.function(*on_meta).shape == ()
    assert entry.function(*on_meta, reduction="none").shape == entry.function(*inputs, reduction="none").shape


@every_loss
def test_defaults_are_typed_once(entry):
    """What the definition needs a default for has that of the function; steps, term and formula have none."""
    ours = inspect.signature(entry.function).parameters
    for name, parameter in inspect.signature(entry.definition).parameters.items():
        if name in ours and parameter.default is not parameter.empty:
            assert parameter.default == ours[name].default, name
    for function in (entry.steps, entry.formula):
        defaults = [p.default for p in inspect.signature(function).parameters.values()]
        assert set(defaults) <= {inspect.Parameter.empty}


@every_loss_of_torch
def test_takes_torchs_settings(entry, in_torch):
    """Any torch call with keyword settings runs unchanged: torch's settings, with torch's defaults."""
    ours = inspect.signature(entry.function).parameters
    theirs = inspect.signature(in_torch(entry.torch_function)).parameters
    deprecated = {"size_average", "reduce"}
    assert set(ours) == set(theirs) - deprecated
    for name in ours:
        assert ours[name].default == theirs[name].default, name


@module_alone
def test_repr_builds_the_module_again(entry):
    module = entry.module()
    assert repr(eval(repr(module), {type(module).__name__: type(module)})) == repr(module)


def test_importing_needs_only_torch():
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['matplotlib', 'numpy', 'IPython']));"
        "import lossbook, torch; print(lossbook.functional.l1_loss(torch.tensor([1.]), torch.tensor([3.])).item())"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert done.stdout == "2.0\n", done.stderr


def test_importing_loads_neither_pictures_nor_exercises():
    code = (
        "import sys, lossbook; late = ['lossbook.lessons.pictures', 'lossbook.lessons.exercises'];"
        "print(*[name in sys.modules for name in late]); names = [getattr(lossbook, name) for name in lossbook.__all__];"
        "print(*[name in sys.modules for name in late], {*lossbook.__all__} <= {*dir(lossbook)})"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert done.stdout == "False False\nTrue True True\n", done.stderr
