"""Real data that comes with scikit-learn, without a download: in float64, standardized, and split in three.

In float64 a training gives the same printed digits on every machine.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor


class Split(NamedTuple):
    """Inputs ``x`` and targets ``y``, for training, for choosing between models, and for the last word on the chosen one."""

    train_x: Tensor
    train_y: Tensor
    validation_x: Tensor
    validation_y: Tensor
    test_x: Tensor
    test_y: Tensor


def split(x: Tensor, y: Tensor, seed: int, *, standardize: bool) -> Split:
    """Deal the samples out at random: 60% for training, 20% for validation, the rest for the test.

    Means and standard deviations are those of the training part: the other parts stand for data not yet seen.
    """
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    parts = order.tensor_split([len(x) * 6 // 10, len(x) * 8 // 10])
    if standardize:
        known = x[parts[0]]
        x = (x - known.mean(dim=0)) / known.std(dim=0)
    return Split(*(values[part] for part in parts for values in (x, y)))


def load(name: str) -> Any:
    """One of scikit-learn's data sets, as it comes."""
    from sklearn import datasets  # takes a second to import, and `import lossbook.lessons` must not

    return getattr(datasets, f"load_{name}")()


def digits(seed: int = 0) -> Split:
    """1797 handwritten digits: images of 8×8 gray values from 0 to 1, (N, 64), and classes 0 to 9, (N,).

    Source: https://archive.ics.uci.edu/dataset/80 (Alpaydin and Kaynak 1998).

    >>> digits().train_x.shape
    torch.Size([1078, 64])
    """
    found = load("digits")
    return split(torch.tensor(found.data) / 16, torch.tensor(found.target).long(), seed, standardize=False)


def breast_cancer(seed: int = 0) -> Split:
    """569 tumors: 30 measures of cell nuclei, (N, 30), and 1 for malignant, 0 for benign, (N,), as floats.

    scikit-learn has 0 for malignant. Here 1 stands for what a test looks for.

    Source: https://archive.ics.uci.edu/dataset/17 (Wolberg et al. 1995).

    >>> breast_cancer().test_y.mean()
    tensor(0.3860, dtype=torch.float64)
    """
    found = load("breast_cancer")
    return split(torch.tensor(found.data), 1 - torch.tensor(found.target).double(), seed, standardize=True)


def diabetes(seed: int = 0) -> Split:
    """442 patients: 10 measures, (N, 10), and how far their diabetes had gone a year later, 25 to 346, (N, 1).

    Source: https://www4.stat.ncsu.edu/~boos/var.select/diabetes.html (Efron et al. 2004).

    >>> diabetes().train_y.shape
    torch.Size([265, 1])
    """
    found = load("diabetes")
    return split(torch.tensor(found.data), torch.tensor(found.target)[:, None], seed, standardize=True)


def wine(seed: int = 0) -> Split:
    """178 wines: 13 chemical measures, (N, 13), and three growers, classes 0 to 2, (N,).

    Source: https://archive.ics.uci.edu/dataset/109 (Aeberhard and Forina 1992).

    >>> wine().train_y.bincount()
    tensor([35, 40, 31])
    """
    found = load("wine")
    return split(torch.tensor(found.data), torch.tensor(found.target).long(), seed, standardize=True)
