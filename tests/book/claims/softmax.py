"""One-hot codes, the exponential, softmax."""

import math

import numpy as np
import torch
from torch.nn import functional as F
from torch.testing import assert_close


def one_hot_of_three_classes():
    """Class 0 is 1 0 0, class 1 is 0 1 0, class 2 is 0 0 1."""
    assert F.one_hot(torch.tensor([0, 1, 2])).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def one_hot_codes_are_equally_far():
    """Codes of different classes are the square root of 2 apart, of one class 0; the numbers 1, 2, 3 are not so."""
    codes = F.one_hot(torch.tensor([0, 1, 2, 2])).double()
    distances = torch.cdist(codes, codes)
    assert_close(distances[:3, :3], math.sqrt(2) * (1 - torch.eye(3).double()))
    assert distances[2, 3] == 0
    numbers = torch.tensor([[1.0], [2.0], [3.0]])
    assert torch.cdist(numbers, numbers)[0].tolist() == [0, 1, 2]


def softmax_of_1234():
    """Each exponential over the sum of the four: 0.0321, 0.0871, 0.2369, 0.6439."""
    total = math.e + math.e**2 + math.e**3 + math.e**4
    by_hand = torch.tensor([math.e / total, math.e**2 / total, math.e**3 / total, math.e**4 / total])
    softmax = torch.softmax(torch.tensor([1.0, 2.0, 3.0, 4.0]), dim=0)
    assert_close(softmax, by_hand)
    assert_close(softmax, torch.tensor([0.0321, 0.0871, 0.2369, 0.6439]), atol=5e-5, rtol=0)


def softmax_is_exponential_over_sum():
    """softmax divides the exponentials by their sum, which makes them add up to 1."""
    scores = np.array([-3.0, 0.0, 2.5])
    exponentials = np.exp(scores)
    assert_close(torch.softmax(torch.tensor(scores), dim=0).numpy(), exponentials / exponentials.sum())
    assert exponentials.sum() > 10


def softmax_gives_probabilities():
    """Between 0 and 1, and their sum 1; far scores are rounded to 0 and 1 exactly."""
    probabilities = torch.softmax(torch.randn(4, 7), dim=1)
    assert 0 < probabilities.min() <= probabilities.max() < 1
    assert_close(probabilities.sum(dim=1), torch.ones(4))
    assert torch.softmax(torch.tensor([0.0, 200.0]), dim=0).tolist() == [0, 1]


def exponential_underflows():
    """e^x is above 0 for large negative x, until floating point rounds it to 0."""
    assert np.exp(-745.0) > 0 == np.exp(-746.0)
    assert torch.tensor(-103.0).exp() > 0 == torch.tensor(-104.0).exp()


def exponential_is_unbounded():
    """e^x is 1 at x = 0 already, 5.8e14 at 34, and infinite in floating point; the softmax is what tends to 1."""
    assert np.exp(0.0) == 1
    assert 5.8e14 < np.exp(34.0) < 5.9e14
    assert torch.tensor(89.0).exp().isinf()
    assert torch.softmax(torch.tensor([34.0, 0.0]), dim=0)[0] > 0.999


def exponential_of_34():
    """np.exp(34), to the last digit."""
    assert float(np.exp(34)) == 583461742527454.9


def exponential_of_minus_34():
    """np.exp(-34), to the last digit."""
    assert float(np.exp(-34)) == 1.713908431542013e-15
