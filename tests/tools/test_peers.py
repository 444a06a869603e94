"""What the bench times beside the losses: others' losses give the same numbers, and the table can be kept."""

import importlib.util

import pytest
import torch
import yaml
from torch.testing import assert_close

from lossbook.catalogue import find
from tools.measure import bench, peers

#: Timed as they are, although their numbers are near ours only.
NEAR = {
    ("tversky", "segmentation-models"): "the test that has this formula smooths otherwise",
    ("focal_tversky", "segmentation-models"): "the test that has this formula smooths otherwise",
    ("arcface", "insightface"): "an angle that the margin moves beyond 180° comes back",
}
#: Takes logits, so that its gradient goes through one more log_softmax.
OF_LOGITS = ("js_div", "TRL")
PACKAGES = {"MONAI": "monai", "pytorch-metric-learning": "pytorch_metric_learning"}
EVERY = [(name, peer) for name, those in peers.PEERS.items() for peer in those]


def needs(package):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed; make bench installs it")


@pytest.mark.parametrize(("name", "peer"), EVERY)
def test_a_peer_gives_the_same_numbers(name, peer):
    if peer in PACKAGES and name != "softmax_focal":  # of that its formula is ours
        needs(PACKAGES[peer])
    entry, found = find(name), []
    tensors = bench.batch(entry, 12, 5)
    for loss in (entry.function, peers.PEERS[name][peer]):
        first = tensors[0].clone().requires_grad_()
        value = loss(first, *tensors[1:])
        found.append((value.detach(), torch.autograd.grad(value, first)[0]))
    (value, slope), (of_peer, slope_of_peer) = found
    tolerance = {"rtol": 0.2, "atol": 0.02} if (name, peer) in NEAR else {"rtol": 1e-3, "atol": 1e-5}
    assert_close(of_peer, value, **tolerance)
    if (name, peer) not in (*NEAR, OF_LOGITS):
        assert_close(slope_of_peer, slope, **tolerance)


def test_optax_gives_the_same_numbers():
    needs("optax")
    from tools.measure import with_optax

    for name in with_optax.LOSSES:
        entry = find(name)
        tensors = bench.batch(entry, 12, 5)
        value, _gradient = with_optax.mean_of(name)(*(with_optax.jnp.asarray(t.numpy()) for t in tensors))
        assert float(value) == pytest.approx(entry.function(*tensors).item(), rel=1e-3), name


def test_the_table_is_kept_by_loss_and_column():
    lines = ["loss | small | small, its peers", "dice (mse_loss) | 3.10 | 1.90 (MONAI)", "mse | 1.00 | "]
    assert yaml.safe_load(bench.stored(lines, {"torch": "2.13.0"})) == {
        "machine": {"torch": "2.13.0"},
        "losses": {
            "dice (mse_loss)": {"small": "3.10", "small, its peers": "1.90 (MONAI)"},
            "mse": {"small": "1.00"},
        },
    }
