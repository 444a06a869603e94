"""The code of the articles: why it stops, and what its printed values are worth."""

import ast

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def _stops_with(code: str, **names) -> str | None:
    """The kind of error that ends the code, and what it is about."""
    try:
        exec(compile(code, "sample", "exec"), names)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _is_python(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def joined_lines_do_not_run():
    """Statements on lines of their own are Python; joined by blanks they are not."""
    for statements in (
        ["import torch", "import torch.nn as nn"],
        ["output = model(x)", "value = criterion(output, y)"],
        ["optimizer.zero_grad()", "value.backward()", "optimizer.step()"],
    ):
        assert _is_python("\n".join(statements))
        assert not _is_python(" ".join(statements))


def lost_indentation_does_not_run():
    """The body of a function or a class has to be indented."""
    for head in ("def loss(a, b):", "class Loss:"):
        assert _is_python(f"{head}\n    pass")
        assert not _is_python(f"{head}\npass")


def comment_swallows_its_line():
    """What stands behind # is no statement: the name is not set."""
    assert ast.parse("# the loss: value = 1").body == []
    assert len(ast.parse("# the loss:\nvalue = 1").body) == 1


def hash_breaks_the_list():
    """A # inside a printed tensor cuts its line off, so the brackets do not match; without it they do."""
    assert not _is_python("[[1.0, #2.0],\n[3.0, 4.0]]")
    assert _is_python("[[1.0, 2.0],\n[3.0, 4.0]]")


def names_need_imports():
    """Without `from torch import nn` there is no nn, and never a bare L1Loss."""
    assert _stops_with("nn.MSELoss()") == "NameError: name 'nn' is not defined"
    assert _stops_with("from torch import nn\nnn.MSELoss()") is None
    assert _stops_with("from torch import nn\nL1Loss()") == "NameError: name 'L1Loss' is not defined"


def sample_without_import_stops():
    """With torch.nn imported as nn there is still no name torch."""
    code = "import torch.nn as nn\nnn.L1Loss()(torch.ones(3), torch.ones(3))"
    assert _stops_with(code) == "NameError: name 'torch' is not defined"
    assert _stops_with(f"import torch\n{code}") is None


def twelve_samples_lack_the_import():
    """Twelve samples of the guide, restored and run alone, stopped at these names: nothing before imports them."""
    # Section of the article, and the name at which each of its samples stopped.
    missing = {"4": "torch", "5": "torch", "7": "nn torch", "8": "nn", "10": "torch", "12": "torch", "13": "torch"}
    missing |= {"14": "torch", "15": "torch", "17": "torch", "18": "nn"}
    names = [name for names in missing.values() for name in names.split()]
    assert len(names) == 12
    for name in names:
        assert _stops_with(f"{name}.Module" if name == "nn" else f"{name}.ones(3)").startswith("NameError")


def names_are_case_sensitive():
    """Loss_fn is not loss_fn."""
    assert "name 'loss_fn' is not defined" in _stops_with("Loss_fn = abs\nloss_fn(1)")


def samples_run_once_imported():
    """With the import and valid inputs every loss of the samples gives one finite number and a gradient."""
    prediction = torch.randn(3, 5, requires_grad=True)
    target, signs, classes = torch.randn(3, 5), torch.tensor([1.0, -1.0, 1.0]), torch.tensor([1, 0, 4])
    image = nn.Conv2d(16, 4, 3)(torch.randn(5, 16, 10, 10))
    for loss in (
        nn.L1Loss()(prediction, target),
        nn.MSELoss()(prediction, target),
        nn.SmoothL1Loss()(prediction, target),
        nn.NLLLoss()(prediction.log_softmax(dim=1), classes),
        nn.NLLLoss()(image.log_softmax(dim=1), torch.randint(4, (5, 8, 8))),
        nn.MarginRankingLoss()(prediction[:, 0], target[:, 0], signs),
        nn.TripletMarginLoss()(prediction, target, target + 1),
        nn.CosineEmbeddingLoss()(prediction, target, signs),
    ):
        assert loss.shape == ()
        assert loss.isfinite()
        loss.backward()
    assert 0 < prediction.grad.abs().max() < torch.inf


def seeds_give_different_values():
    """Three seeds, three values; one seed, one value."""

    def sample(seed: int) -> float:
        generator = torch.Generator().manual_seed(seed)
        return F.l1_loss(*torch.randn(2, 3, 5, generator=generator)).item()

    assert len({sample(seed) for seed in (0, 1, 2)}) == 3
    assert sample(0) == sample(0)


def _over_99_of_100(values: Tensor, low: float, high: float, printed: float) -> None:
    assert low < printed < high
    assert ((values > low) & (values < high)).double().mean() > 0.99
    assert (values - printed).abs().min() < (high - low) / 100  # a run could well print it
    assert (values.round(decimals=4) == printed).double().mean() < 0.01  # but hardly any does


def _regression(loss, **settings) -> Tensor:
    a, b = torch.randn(2, 20000, 15)
    return loss(a, b, reduction="none", **settings).mean(dim=1)


def l1_sample_is_a_matter_of_luck():
    """L1 of two random 3x5 tensors: over 99 of 100 runs lie between 0.6 and 1.8, as 0.7772 does."""
    _over_99_of_100(_regression(F.l1_loss), 0.6, 1.8, printed=0.7772)


def mse_sample_is_a_matter_of_luck():
    """MSE of two random 3x5 tensors: over 99 of 100 runs lie between 0.6 and 4.5, as 0.9823 and 2.3134 do."""
    for printed in (0.9823, 2.3134):
        _over_99_of_100(_regression(F.mse_loss), 0.6, 4.5, printed)


def smooth_l1_sample_is_a_matter_of_luck():
    """Smooth L1 of two random 3x5 tensors: over 99 of 100 runs lie between 0.25 and 1.3, as 0.7838 does."""
    _over_99_of_100(_regression(F.smooth_l1_loss), 0.25, 1.3, printed=0.7838)


def bce_sample_is_a_matter_of_luck():
    """BCE of three random scores: over 99 of 100 runs lie between 0.2 and 1.8, as 0.4198 does."""
    scores, labels = torch.randn(20000, 3), torch.randint(2, (20000, 3)).float()
    losses = F.binary_cross_entropy_with_logits(scores, labels, reduction="none").mean(dim=1)
    _over_99_of_100(losses, 0.2, 1.8, printed=0.4198)


def nll_sample_is_a_matter_of_luck():
    """NLL of a random convolution: over 99 of 100 runs lie between 1.42 and 1.59, as 1.4892 does."""

    def run() -> Tensor:
        scores = nn.Conv2d(16, 4, 3)(torch.randn(5, 16, 10, 10)).detach()
        return F.nll_loss(scores.log_softmax(dim=1), torch.randint(4, (5, 8, 8)))

    _over_99_of_100(torch.stack([run() for _ in range(2000)]), 1.42, 1.59, printed=1.4892)


def triplet_sample_is_a_matter_of_luck():
    """Triplet loss of random vectors: over 99 of 100 runs lie between 0.85 and 1.45, as 1.1151 does."""
    losses = torch.stack([F.triplet_margin_loss(*torch.randn(3, 100, 128)) for _ in range(2000)])
    _over_99_of_100(losses, 0.85, 1.45, printed=1.1151)


def grad_fn_names():
    """The names PyTorch prints today are not those of 2021; the losses made of tensor operations end in a mean."""
    a, b, classes = torch.randn(3, 5, requires_grad=True), torch.rand(3, 5), torch.tensor([1, 0, 4])
    images = torch.randn(2, 4, 3, 3, requires_grad=True).log_softmax(dim=1)
    losses = {
        F.l1_loss(a, b): "MeanBackward0",
        F.mse_loss(a, b): "MseLossBackward0",
        F.nll_loss(a.log_softmax(dim=1), classes): "NllLossBackward0",
        F.nll_loss(images, torch.zeros(2, 3, 3, dtype=torch.long)): "NllLoss2DBackward0",
        F.binary_cross_entropy(a.sigmoid(), b): "BinaryCrossEntropyBackward0",
        F.smooth_l1_loss(a, b): "SmoothL1LossBackward0",
        F.hinge_embedding_loss(a, b.sign()): "MeanBackward0",
        F.margin_ranking_loss(a[0], b[0], torch.ones(5)): "MeanBackward0",
        F.triplet_margin_loss(a, b, b + 1): "MeanBackward0",
        F.cosine_embedding_loss(a, b, torch.ones(3)): "MeanBackward0",
        F.kl_div(a.log_softmax(dim=1), b.softmax(dim=1), reduction="mean"): "MeanBackward0",
    }
    assert [type(loss.grad_fn).__name__ for loss in losses] == list(losses.values())
