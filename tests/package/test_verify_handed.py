"""Whatever people have can be handed to `lossbook.verify`: other calls, other results, nested inputs, models, memories."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from lossbook.verifying.subject.adapter import picked
from lossbook.verifying.subject.layout import laid_out
from lossbook.verifying.verify import verify

FEW = [(torch.randn(5, 3, generator=torch.Generator().manual_seed(i)), torch.ones(5, 3) * i) for i in range(2)]


def l1(input, target):
    return (input - target).abs().mean()


def failed(report):
    return [check.name for check in report.failures]


# ---- what comes back


@pytest.mark.parametrize(
    ("wrap", "pick"),
    [
        (lambda loss: (loss, "logits"), 0),
        (lambda loss: [None, loss], -1),
        (lambda loss: {"loss": loss, "n": 3}, "loss"),
        (lambda loss: SimpleNamespace(loss=loss), "loss"),
    ],
)
def test_a_part_of_the_result(wrap, pick):
    assert verify(lambda a, b: wrap(l1(a, b)), "l1", FEW, pick=pick)
    assert not verify(lambda a, b: wrap(2 * l1(a, b)), "l1", FEW, pick=pick)
    assert failed(verify(lambda a, b: wrap(l1(a, b)), "l1", FEW))


def test_a_part_that_is_not_there():
    for result, part in [({"loss": 1}, "los"), ((1, 2), 2), (3, 0), ((1, 2), "loss")]:
        with pytest.raises(LookupError, match=r"pick=.* is not in what the loss returns"):
            picked(result, part)


# ---- how it is called and made


class Scored(nn.Module):
    """A loss that takes the target first, by keyword, in a dictionary."""

    def __init__(self, scale, average):
        super().__init__()
        self.scale, self.average = scale, average
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, batch, *, outputs):
        losses = (outputs["scores"] - batch["labels"]).abs() * self.scale * self.weight
        return losses.mean() if self.average else losses.sum()


def scored(loss, input, target):
    return loss({"labels": target}, outputs={"scores": input})


def test_another_call_keeps_the_checks_of_modules():
    report = verify(Scored(1, True), "l1", FEW, call=scored)
    assert report
    assert next(c.state for c in report.checks if c.name == "module") == "passed"
    assert report.handed == (
        "Called as Scored(batch: {labels: (5, 3)}, outputs: {scores: (5, 3)})."  # no names within
    )
    broken = Scored(1, True)
    broken.hidden = lambda: 0
    assert failed(verify(broken, "l1", FEW, call=scored)) == ["module"]


def test_the_line_to_look_at_is_that_of_the_loss_itself():
    def cut(target, input):
        size = (input - target).abs().detach()
        return size.mean()

    report = verify(cut, "l1", FEW, call=lambda loss, input, target: loss(target, input))
    assert report.failures[0].finding.line.endswith("size = (input - target).abs().detach()")


def test_a_class_that_needs_sizes_and_has_reductions_by_another_name():
    report = verify(
        Scored, "l1", make=lambda kind, reduction="mean": kind(1, {"mean": True, "sum": False}[reduction]), call=scored
    )
    assert report
    assert next(c.why for c in report.checks if c.name == "reductions").startswith("reduction=mean, sum")
    wrong = verify(Scored, "l1", make=lambda kind, reduction="mean": kind(1, True), call=scored)
    assert failed(wrong) == ["reductions"]


def test_a_function_with_a_setting_by_another_name():
    def mine(a, b, agg):
        return getattr((a - b).abs(), agg)()

    def called(loss, input, target, reduction="mean"):
        return loss(input, target, agg=reduction)

    assert "sum" in next(c.why for c in verify(mine, "l1", call=called).checks if c.name == "reductions")


def test_a_trainer():
    """It calls a model with a batch by name; a function stands for the model."""

    class Trainer:
        def compute_loss(self, model, inputs, num_items_in_batch=None):
            labels = inputs.pop("labels")
            logits = model(**inputs).logits
            return nn.functional.cross_entropy(logits, labels, reduction="sum") / num_items_in_batch

    def called(loss, input, target):
        return loss(lambda x: SimpleNamespace(logits=x), {"x": input, "labels": target}, len(target))

    batches = [(torch.tensor([[2.0, 1.0], [0.5, 3.0], [1.0, 1.0]]), torch.tensor([0, 1, 1]))]
    assert verify(Trainer().compute_loss, "cross_entropy", batches, call=called)


# ---- what it is handed


def test_a_model_among_the_inputs_gets_its_gradients_compared():
    model = nn.Linear(3, 2)

    def trained(model, batch):
        return nn.functional.cross_entropy(model(batch["x"]), batch["y"])

    def detached(model, batch):
        z = model(batch["x"])
        return nn.functional.cross_entropy(z + 0 * model.bias.sum(), batch["y"]).detach() + 0 * z.sum()

    def batch():
        return model, {"x": torch.randn(4, 3), "y": torch.randint(2, (4,))}

    assert verify(trained, trained, batch)
    assert "gradient" in failed(verify(detached, trained, batch))


def test_numbers_lists_and_all_else():
    def loss(outputs, lengths, boxes, scale, mean, name, nothing=None):
        assert type(scale) is float
        assert type(mean) is bool
        assert all(type(n) is int for n in lengths)
        assert (name, nothing) == ("l1", None)
        assert isinstance(boxes[0], torch.Tensor)
        losses = torch.stack([z[:n].abs().sum() for z, n in zip(outputs, lengths, strict=True)])
        return scale * (losses.mean() if mean else losses.sum()) + sum(b.sum() for b in boxes)

    def batch():
        return torch.randn(3, 4), [1, 4, 2], [torch.rand(1, 4), torch.rand(2, 4)], 0.5, True, "l1", None

    assert verify(loss, loss, batch)
    assert not verify(lambda *args: 2 * loss(*args), loss, batch)


def test_a_list_of_lengths_is_cut_with_its_samples():
    tensors, layout = laid_out((torch.zeros(3, 4), [1, 4, 2], (5, 6)), {"k": 2})
    assert [t.tolist() for t in tensors[1:]] == [[1, 4, 2], [5, 6], 2]
    args, kwargs = layout.arguments((tensors[0][:1], tensors[1][:1], *tensors[2:]))
    assert (args[1:], kwargs) == (([1], (5, 6)), {"k": 2})


def test_scales_in_a_list_get_a_gradient_each():
    def pyramid(scales, target):
        return sum((s - target).square().mean() for s in scales)

    def forgets_one(scales, target):
        return (scales[0] - target).square().mean() + (scales[1].detach() - target).square().mean()

    def batch():
        return [torch.rand(4, 2), torch.rand(4, 2)], torch.rand(4, 2)

    assert verify(pyramid, pyramid, batch)
    assert "gradient" in failed(verify(forgets_one, pyramid, batch))


def test_features_with_labels_alone_and_labels_first():
    def spread(labels, features):
        return (features - labels.unsqueeze(1)).square().mean()

    def batch():
        return torch.arange(4), torch.randn(4, 2)

    assert verify(spread, spread, batch)
    assert "gradient" in failed(verify(lambda y, x: spread(y, x).detach() + 0 * x.sum(), spread, batch))


def test_inputs_replace_the_forms_of_a_name():
    def classes_last(z, y):
        return nn.functional.cross_entropy(z.flatten(0, -2), y.flatten())

    assert verify(classes_last, "cross_entropy", lambda: (torch.randn(6, 4), torch.randint(4, (6,))))
    assert verify(classes_last, "cross_entropy", exclude=("(N, C, d)", "probability targets"))


# ---- memory and chance


class Remembers(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("center", torch.zeros(()))
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, input, target):
        self.center = self.center + 1
        return self.weight * (input - target).abs().mean() * self.center


def test_a_memory():
    assert "repeatable" in failed(verify(Remembers(), "l1", FEW))
    report = verify(Remembers(), "l1", FEW, fresh=True)
    assert report, report
    assert report.handed.endswith("Each call gets a copy as new.")


def test_a_draw():
    def dropped(input, target):
        return nn.functional.dropout((input - target).abs()).mean()

    assert failed(verify(dropped, dropped, FEW))
    report = verify(dropped, dropped, FEW, seed=3)
    assert report, report
    assert "seed 3" in report.handed
    assert not verify(lambda a, b: 2 * dropped(a, b), dropped, FEW, seed=3)


# ---- wrong arguments


@pytest.mark.parametrize(
    ("given", "kind", "sentence"),
    [
        (
            {"like": "l1", "call": "loss"},
            TypeError,
            "call must be a function whose first argument is the loss, got str",
        ),
        ({"like": "l1", "pick": len}, TypeError, "pick must be the name or the position"),
        (
            {"like": "l1", "exclude": "(X)"},
            ValueError,
            r"exclude='\(X\)' is no form of input that is tried. These are: \(N\);",
        ),
        ({"like": "l1", "fresh": True}, TypeError, "a function cannot be copied"),
        ({"like": l1, "inputs": [(FEW[0][0], "a"), (FEW[0][0], "b")]}, ValueError, "built differently"),
        ({"like": l1, "inputs": {"input": 3}}, TypeError, "must be a tuple of tensors, .* got dict of int"),
    ],
)
def test_wrong_arguments_are_told(given, kind, sentence):
    with pytest.raises(kind, match=sentence):
        verify(l1, **given)
