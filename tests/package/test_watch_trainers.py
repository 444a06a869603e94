"""`watch` where others run the loop: Lightning, the Trainer of Hugging Face, Accelerate. The real ones, where installed."""

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import lossbook
from lossbook.watching.finding import MisusedLossError

CROSS_ENTROPY = F.cross_entropy


def blobs(n=64):
    """Points in two groups, and to which each belongs."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(n) % 2
    return torch.randn(n, 4, generator=generator) + 2.0 * labels[:, None], labels


def classifier(softmax=False):
    torch.manual_seed(0)
    layers = [nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)]
    return nn.Sequential(*layers, *[nn.Softmax(dim=1)] * softmax)


def kinds(report):
    return [finding.kind for finding in report.findings]


# Lightning


def fitted(module, callback, batches=12):
    lightning = pytest.importorskip("lightning.pytorch", reason="Lightning is not installed")
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    trainer = lightning.Trainer(max_steps=batches, accelerator="cpu", devices=1, callbacks=[callback], **quiet)
    trainer.fit(module)
    return module


def lightning_module(model, criterion):
    lightning = pytest.importorskip("lightning.pytorch", reason="Lightning is not installed")

    class Classifier(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.model, self.criterion = model, criterion

        def loss(self, batch):
            return self.criterion(self.model(batch[0]), batch[1])

        def training_step(self, batch):
            return self.loss(batch)

        def validation_step(self, batch):
            self.log("loss", self.loss(batch))

        def configure_optimizers(self):
            return torch.optim.SGD(self.model.parameters(), lr=0.1)

        def train_dataloader(self):
            return DataLoader(TensorDataset(*blobs()), batch_size=16)

        val_dataloader = train_dataloader

    return Classifier()


@pytest.fixture
def lightning_callback():
    pytest.importorskip("lightning.pytorch", reason="Lightning is not installed")
    return pytest.importorskip("lossbook.watching.lightning").WatchCallback


@pytest.mark.filterwarnings("ignore")  # of Lightning: few workers, few batches
def test_lightning(lightning_callback):
    callback = lightning_callback()
    fitted(lightning_module(classifier(softmax=True), nn.CrossEntropyLoss()), callback)
    assert kinds(callback.report) == ["softmax-before-cross-entropy"]
    assert F.cross_entropy is CROSS_ENTROPY


@pytest.mark.filterwarnings("ignore")
def test_lightning_with_all_well_is_silent_and_trains_alike(lightning_callback):
    callback = lightning_callback()
    watched = fitted(lightning_module(classifier(), nn.CrossEntropyLoss()), callback)
    lightning = pytest.importorskip("lightning.pytorch")
    plain = fitted(lightning_module(classifier(), nn.CrossEntropyLoss()), lightning.Callback())
    assert callback.report
    for name, value in plain.state_dict().items():
        assert torch.equal(value, watched.state_dict()[name]), name


@pytest.mark.filterwarnings("ignore")
def test_lightning_knows_module_and_optimizer(lightning_callback):
    module = lightning_module(classifier(), nn.CrossEntropyLoss())
    module.configure_optimizers = lambda: torch.optim.SGD(module.model[0].parameters(), lr=0.1)
    callback = lightning_callback()
    fitted(module, callback)
    assert "optimizer-lacks-parameters" in kinds(callback.report)


@pytest.mark.filterwarnings("ignore")
def test_lightning_strict_leaves_torch_as_it_was(lightning_callback):
    with pytest.raises(MisusedLossError, match="softmax"):
        fitted(lightning_module(classifier(softmax=True), nn.CrossEntropyLoss()), lightning_callback(strict=True))
    assert F.cross_entropy is CROSS_ENTROPY


# Hugging Face


class Classified(nn.Module):
    """What the Trainer wants of a model: a dictionary, with the loss where there are labels."""

    def __init__(self, softmax=False, with_loss=True):
        super().__init__()
        self.model, self.with_loss = classifier(softmax), with_loss

    def forward(self, x, labels=None):
        logits = self.model(x)
        loss = {"loss": F.cross_entropy(logits, labels)} if self.with_loss and labels is not None else {}
        return loss | {"logits": logits}


def trained(folder, model, callback=None, **given):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    pytest.importorskip("accelerate", reason="accelerate is not installed, which the Trainer of transformers needs")
    settings = {"max_steps": 12, "learning_rate": 0.01, "report_to": [], "use_cpu": True, "disable_tqdm": True}
    arguments = transformers.TrainingArguments(str(folder), save_strategy="no", logging_strategy="no", **settings)
    data = [{"x": x, "labels": y} for x, y in zip(*blobs(), strict=True)]
    callbacks = [callback] if callback else None
    transformers.Trainer(model=model, args=arguments, train_dataset=data, callbacks=callbacks, **given).train()


@pytest.fixture
def trainer_callback():
    pytest.importorskip("transformers", reason="transformers is not installed")
    return pytest.importorskip("lossbook.watching.transformers").WatchCallback


@pytest.mark.filterwarnings("ignore")
def test_trainer(trainer_callback, tmp_path):
    callback = trainer_callback()
    trained(tmp_path, Classified(softmax=True), callback)
    assert kinds(callback.report) == ["softmax-before-cross-entropy"]
    assert F.cross_entropy is CROSS_ENTROPY


@pytest.mark.filterwarnings("ignore")
def test_trainer_with_all_well_is_silent_and_trains_alike(trainer_callback, tmp_path):
    callback, watched, plain = trainer_callback(), Classified(), Classified()
    trained(tmp_path, watched, callback)
    trained(tmp_path, plain)
    assert callback.report
    for name, value in plain.state_dict().items():
        assert torch.equal(value, watched.state_dict()[name]), name


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("softmax", [True, False])
def test_trainer_with_a_loss_of_ones_own(softmax, tmp_path):
    def own_loss(outputs, labels, num_items_in_batch=None):
        return F.cross_entropy(outputs["logits"], labels, reduction="sum") / num_items_in_batch

    criterion = lossbook.watch(own_loss)
    trained(tmp_path, Classified(softmax, with_loss=False), compute_loss_func=criterion)
    assert kinds(criterion.report) == ["softmax-before-cross-entropy"] * softmax


@pytest.mark.filterwarnings("ignore")
def test_trainer_after_an_error_watches_again(trainer_callback, tmp_path):
    callback = trainer_callback(strict=True)
    with pytest.raises(MisusedLossError, match="softmax"):
        trained(tmp_path, Classified(softmax=True), callback)
    callback.ignore("softmax-before-cross-entropy")
    trained(tmp_path, Classified(softmax=True), callback)
    assert F.cross_entropy is CROSS_ENTROPY


# Accelerate, which needs nothing of its own: what it prepares stays watched, and its optimizer can be given


@pytest.fixture
def accelerate():
    module = pytest.importorskip("accelerate", reason="accelerate is not installed")
    module.state.AcceleratorState._reset_state(reset_partial_state=True)  # or the precision of another test stays
    return module


@pytest.mark.parametrize("precision", ["no", "bf16"])
@pytest.mark.parametrize("softmax", [True, False])
def test_accelerate(accelerate, softmax, precision):
    accelerator = accelerate.Accelerator(cpu=True, mixed_precision=precision, gradient_accumulation_steps=2)
    model = classifier(softmax)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    batches = DataLoader(TensorDataset(*blobs()), batch_size=8)
    criterion = lossbook.watch(nn.CrossEntropyLoss(weight=torch.ones(2)))
    model, optimizer, batches, criterion = accelerator.prepare(model, optimizer, batches, criterion)
    with lossbook.watch(model=model, optimizer=optimizer) as loop:
        for _ in range(2):
            for x, labels in batches:
                with accelerator.accumulate(model):
                    accelerator.backward(criterion(model(x), labels))
                    optimizer.step()
                    optimizer.zero_grad()
    for report in (criterion.report, loop.report):
        assert kinds(report) == ["softmax-before-cross-entropy"] * softmax


def test_accelerate_optimizer_is_compared_with_the_model(accelerate):
    accelerator = accelerate.Accelerator(cpu=True)
    model, (x, labels) = classifier(), blobs()
    optimizer = accelerator.prepare(torch.optim.SGD(model[0].parameters(), lr=0.1))
    with lossbook.watch(model=model, optimizer=optimizer) as loop:
        for _ in range(4):
            optimizer.zero_grad()
            accelerator.backward(F.cross_entropy(model(x), labels))
            optimizer.step()
    assert kinds(loop.report) == ["optimizer-lacks-parameters"]


def test_none_of_them_is_needed():
    """lossbook itself imports none of them."""
    heavy = "lightning", "pytorch_lightning", "transformers", "accelerate"
    program = f"import sys, lossbook, lossbook.watching.loop; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"
