"""What torch.nn has, what its objects are, and what its documentation says."""

import inspect
import types
import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lossbook.catalogue import CATALOGUE


def _losses() -> dict[str, type]:
    return {name: value for name, value in vars(nn).items() if name.endswith("Loss")}


def _arguments(loss: type) -> list[str]:
    return list(inspect.signature(loss.forward).parameters)[1:]


def _documentation(loss: type) -> str:
    return " ".join(loss.__doc__.split())


def names_in_torch_nn():
    """There are MSE, cross-entropy and BCE; there is no categorical cross-entropy and no hinge loss of that name."""
    assert {"MSELoss", "CrossEntropyLoss", "BCELoss", "BCEWithLogitsLoss"} <= _losses().keys()
    assert not any("Categorical" in name or name == "HingeLoss" for name in dir(nn))


def losses_are_modules():
    """Every one of the many losses is a subclass of nn.Module."""
    assert len(_losses()) == 23
    assert all(issubclass(loss, nn.Module) for loss in _losses().values())


def some_losses_fit_no_group():
    """Four losses ask for no number, class or order alone: for a distribution, or for what makes one."""
    fitting_none = {entry.module.__name__ for entry in CATALOGUE if entry.family == "likelihood" and entry.torch_module}
    assert fitting_none == {"KLDivLoss", "CTCLoss", "GaussianNLLLoss", "PoissonNLLLoss"} <= _losses().keys()
    assert _arguments(nn.CTCLoss)[-2:] == ["input_lengths", "target_lengths"]
    assert _arguments(nn.GaussianNLLLoss)[-1] == "var"


def losses_have_function_twins():
    """All losses but one exist as functions too; those of the articles have the same value there."""
    functions = {name.replace("_", "") for name in dir(F)}
    names = {name.replace("BCE", "BinaryCrossEntropy").lower() for name in _losses()}
    without = {name for name in names if not {name, name.removesuffix("loss")} & functions}
    assert without == {"adaptivelogsoftmaxwithloss"}
    a, b = torch.randn(3, 5), torch.rand(3, 5)
    for loss, function in {
        nn.L1Loss: F.l1_loss,
        nn.MSELoss: F.mse_loss,
        nn.SmoothL1Loss: F.smooth_l1_loss,
        nn.BCEWithLogitsLoss: F.binary_cross_entropy_with_logits,
        nn.CrossEntropyLoss: F.cross_entropy,
    }.items():
        assert torch.equal(loss()(a, b), function(a, b))


def losses_inherit_almost_everything():
    """A loss class itself defines no method but __init__ and forward, but for two that contain a layer."""
    further = set()
    for name, loss in _losses().items():
        own = {name for name, value in vars(loss).items() if isinstance(value, types.FunctionType)}
        if not own <= {"__init__", "forward"}:
            further.add(name)
    assert further == {"AdaptiveLogSoftmaxWithLoss", "LinearCrossEntropyLoss"}


def losses_own_no_parameters():
    """A loss has nothing to train and returns one number: the model predicts, the loss compares."""
    ranking = [nn.MarginRankingLoss(), nn.TripletMarginLoss(), nn.CosineEmbeddingLoss(), nn.HingeEmbeddingLoss()]
    assert not any(list(loss.parameters()) for loss in ranking)
    assert nn.TripletMarginLoss()(*torch.randn(3, 4, 2)).shape == ()


def some_losses_have_no_true_value():
    """The triplet loss takes three embeddings; the KL loss compares two distributions."""
    assert _arguments(nn.TripletMarginLoss) == ["anchor", "positive", "negative"]
    a, b = torch.randn(2, 3, 4).softmax(dim=-1)
    assert nn.KLDivLoss(reduction="batchmean")(a.log(), b) > 0


def nn_is_no_class():
    """torch.nn is a Python module; the base class of a loss is nn.Module."""
    assert inspect.ismodule(nn)
    assert not inspect.isclass(nn)
    assert nn.MSELoss.__mro__[-2] is nn.Module


def one_line_makes_a_loss():
    """MSE and cross-entropy need no setting; by default they average."""
    for loss in (nn.MSELoss(), nn.CrossEntropyLoss()):
        assert isinstance(loss, nn.Module)
        assert loss.reduction == "mean"


def loss_is_an_object():
    """nn.MSELoss() is no function, but it is called like one, with prediction and target."""
    loss = nn.MSELoss()
    assert not inspect.isfunction(loss)
    assert isinstance(loss, nn.Module)
    assert loss(torch.ones(2), torch.zeros(2)) == 1


def argument_order_matters():
    """MSE is symmetric; cross-entropy refuses its arguments the other way round."""
    scores, classes = torch.randn(3, 5), torch.tensor([1, 0, 4])
    assert F.mse_loss(scores, scores + 1) == F.mse_loss(scores + 1, scores)
    assert F.cross_entropy(scores, classes) > 0
    with pytest.raises((RuntimeError, ValueError)):
        F.cross_entropy(classes, scores)


def old_settings_override_reduction():
    """size_average still works, warns, and overrides reduction; None changes nothing and is silent."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert nn.L1Loss(size_average=None, reduce=None).reduction == nn.L1Loss().reduction == "mean"
        assert caught == []
        assert nn.L1Loss(size_average=False, reduction="mean").reduction == "sum"
    assert ["deprecated" in str(warning.message) for warning in caught] == [True]


def article_treats_twelve_losses():
    """The guide treats 12 losses, about half of those in torch.nn."""
    treated = "L1 MSE CrossEntropy NLL BCE BCEWithLogits SmoothL1 HingeEmbedding MarginRanking TripletMargin"
    treated = {f"{name}Loss" for name in [*treated.split(), "CosineEmbedding", "KLDiv"]}
    assert treated <= _losses().keys()
    assert 0.4 < len(treated) / len(_losses()) < 0.6


def not_every_optimizer_is_gradient_descent():
    """LBFGS finds the bottom of a long valley in 20 iterations; gradient descent, stable only for lr < 0.01, does not."""
    ends = []
    for optimizer, settings in (
        (torch.optim.LBFGS, {"line_search_fn": "strong_wolfe"}),
        (torch.optim.SGD, {"lr": 0.009}),
    ):
        x = torch.ones(2, requires_grad=True)
        descent = optimizer([x], **settings)

        def closure(x=x, descent=descent):
            descent.zero_grad()
            loss = (torch.tensor([1.0, 100.0]) * x.square()).sum()
            loss.backward()
            return loss

        for _ in range(1 if optimizer is torch.optim.LBFGS else 20):  # one step of LBFGS iterates 20 times
            descent.step(closure)
        ends.append(x.abs().max().item())
    assert ends[0] < 1e-3 < 0.5 < ends[1] < 1


def linear_layer_is_a_line():
    """nn.Linear(1, 1) computes A x + b."""
    layer, x = nn.Linear(1, 1), torch.tensor([[2.5]])
    torch.testing.assert_close(layer(x), layer.weight * 2.5 + layer.bias)


def one_prediction_for_each_sample():
    """Five samples in, five predictions out."""
    assert nn.Linear(3, 1)(torch.randn(5, 3)).shape == (5, 1)


def linear_layer_starts_uniform():
    """The first weight of nn.Linear is uniform between -1/sqrt(inputs) and 1/sqrt(inputs)."""
    for inputs in (1, 4):
        weights = torch.cat([nn.Linear(inputs, 1).weight.detach().flatten() for _ in range(1000)]) * inputs**0.5
        assert 0.99 < weights.abs().max() <= 1
        assert abs(weights.std() - 3**-0.5) < 0.03  # of the uniform distribution on [-1, 1]


def weights_and_biases_of_a_layer():
    """From 5 neurons to 3: a weight for each of the 15 connections, a bias for each of the 3 neurons."""
    layer = nn.Linear(5, 3)
    assert layer.weight.numel() == 15
    assert layer.bias.numel() == 3


def shape_is_not_dimension():
    """A tensor of shape (3, 5) has two dimensions and 15 elements; averaged, one value."""
    errors = torch.randn(3, 5)
    assert errors.dim() == 2
    assert errors.numel() == 15
    assert nn.L1Loss()(errors, torch.zeros(3, 5)).shape == ()


def hinge_embedding_documentation():
    """Nonlinear embeddings and semi-supervised learning: so says PyTorch."""
    assert "nonlinear embeddings or semi-supervised learning" in _documentation(nn.HingeEmbeddingLoss)


def nll_documentation_has_the_sample():
    """The documentation of NLLLoss has the example for images; nothing in it is printed."""
    assert "nn.Conv2d(16, C, (3, 3))" in _documentation(nn.NLLLoss)
    assert "print(" not in _documentation(nn.NLLLoss)
