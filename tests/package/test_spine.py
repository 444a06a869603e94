"""The spine carries more than what stands on it today: a contrastive loss, and one that owns parameters."""

from typing import Annotated

import torch
from torch import Tensor, nn
from torch.testing import assert_close

from lossbook.functional import cross_entropy
from lossbook.guards.tensors import check_same_shape
from lossbook.kit.loss import Loss, loss_function, reduce
from lossbook.kit.settings import Reduction, between


@loss_function
def contrastive_loss(
    embeddings: Tensor,
    partners: Tensor,
    *,
    temperature: Annotated[float, between(0.01, 100)] = 0.1,
    reduction: Reduction = "mean",
) -> Tensor:
    """InfoNCE (van den Oord et al., 2018): each embedding has to find its partner among all of them."""
    check_same_shape(embeddings=embeddings, partners=partners)
    similarity = nn.functional.normalize(embeddings, dim=1) @ nn.functional.normalize(partners, dim=1).T
    own = torch.arange(len(embeddings), device=embeddings.device)
    return cross_entropy(similarity / temperature, own, reduction=reduction)


class ContrastiveLoss(Loss):
    function = contrastive_loss


@loss_function
def center_loss(embeddings: Tensor, labels: Tensor, centers: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    """Center loss (Wen et al., 2016): half the squared distance to the center of the own class."""
    return reduce((embeddings - centers[labels]).square().sum(dim=1) / 2, reduction)


class CenterLoss(Loss):
    """Owns its centers: they are learned with the model."""

    function = center_loss

    def __init__(self, classes: int, features: int, **settings) -> None:
        super().__init__(**settings)
        self.centers = nn.Parameter(torch.zeros(classes, features))

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        return super().forward(embeddings, labels, self.centers)


def test_contrastive_loss(generator):
    x, y = torch.rand(4, 8, generator=generator), torch.rand(4, 8, generator=generator)
    similarity = torch.cosine_similarity(x[:, None], y[None], dim=-1) / 0.5
    by_hand = -(similarity.exp() / similarity.exp().sum(dim=1, keepdim=True)).diagonal().log()
    assert_close(ContrastiveLoss(temperature=0.5, reduction="none")(x, y), by_hand)
    assert repr(ContrastiveLoss()) == "ContrastiveLoss(temperature=0.1, reduction='mean')"


def test_loss_with_parameters():
    loss = CenterLoss(2, 3, reduction="sum")
    optimizer = torch.optim.SGD(loss.parameters(), lr=1.0)
    embeddings, labels = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([1])
    assert loss(embeddings, labels) == 7
    loss(embeddings, labels).backward()
    optimizer.step()  # one step of size 1 leads to the center of a single embedding
    assert_close(loss.centers.detach(), torch.tensor([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]]))
    assert loss(embeddings, labels) == 0
    assert list(loss.state_dict()) == ["centers"]
