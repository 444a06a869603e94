"""Watch a training that Lightning's Trainer runs: ``Trainer(callbacks=[WatchCallback()])``."""

from __future__ import annotations

from typing import Any

try:
    from lightning.pytorch import Callback
except ModuleNotFoundError:  # the same Trainer, by its older name
    from pytorch_lightning import Callback

from .loop import WatchedLoop


class WatchCallback(WatchedLoop, Callback):
    """Watches every loss of torch that a LightningModule calls while it is fitted.

    Args:
        strict: whether to raise an error at the first fault that is certain, instead of logging a warning.

    Raises:
        MisusedLossError: with ``strict``, from the step that shows the fault.

    ``report`` holds what was found, and ``ignore("kind")`` silences a kind of finding. A loss of your own is seen where you
    wrap it, ``self.criterion = lossbook.watch(loss)``; it has a report of its own. Where there are several optimizers, as
    in a GAN, their steps are followed, but not compared with the module's parameters.
    """

    def __init__(self, *, strict: bool = False) -> None:
        super().__init__(None, None, strict)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        self.given(pl_module, trainer.optimizers[0] if len(trainer.optimizers) == 1 else None)
        self.__enter__()

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        self.__exit__()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self.__exit__()
