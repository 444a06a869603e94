"""Watch a training that the Trainer of Hugging Face runs: ``Trainer(…, callbacks=[WatchCallback()])``."""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback

from .loop import WatchedLoop


class WatchCallback(WatchedLoop, TrainerCallback):
    """Watches every loss of torch that is called while the Trainer trains, those inside of its models included.

    Args:
        strict: whether to raise an error at the first fault that is certain, instead of logging a warning.

    Raises:
        MisusedLossError: with ``strict``, from the step that shows the fault.

    ``report`` holds what was found, and ``ignore("kind")`` silences a kind of finding. A loss of your own is seen where you
    wrap it, ``Trainer(…, compute_loss_func=lossbook.watch(my_loss))``; it has a report of its own.

    The Trainer does not tell its callbacks of an error. After one the losses of torch stay watched until this callback
    trains again, or is gone; ``with lossbook.watch(model=model): trainer.train()`` ends with the error.
    """

    def __init__(self, *, strict: bool = False) -> None:
        super().__init__(None, None, strict)

    def on_train_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, optimizer: Any = None, **others: Any
    ):
        self.__exit__()
        self.given(model, optimizer)
        self.__enter__()

    def on_train_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        self.__exit__()
