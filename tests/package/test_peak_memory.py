"""The count of memory: what is held at once, not what was allocated in all."""

import pytest
import torch

from lossbook.lessons.practice import peak_memory

ROOM = 2**20


def one_after_the_other():
    for _ in range(3):
        torch.empty(ROOM, dtype=torch.uint8)


def all_at_once():
    return [torch.empty(ROOM, dtype=torch.uint8) for _ in range(3)]


@pytest.mark.parametrize(("work", "expected"), [(one_after_the_other, ROOM), (all_at_once, 3 * ROOM), (list, 0)])
def test_what_is_released_counts_no_more(work, expected):
    assert peak_memory(work) == expected


def test_it_sees_inside_an_operation_of_torch():
    """In float32 three tables: logits, their log-softmax, and the gradient of it."""
    x = torch.zeros(256, 8, requires_grad=True)
    layer, target = torch.zeros(1024, 8), torch.zeros(256, dtype=torch.int64)
    table = 256 * 1024 * 4
    peak = peak_memory(lambda: torch.nn.functional.cross_entropy(x @ layer.T, target).backward())
    assert 3 * table <= peak < 3.1 * table


def test_the_profiler_writes_nothing(capfd):
    peak_memory(list)
    assert capfd.readouterr() == ("", "")
