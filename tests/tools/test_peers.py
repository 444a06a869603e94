"""What the bench times beside the losses: others' losses give the same numbers, and the table that is kept is whole."""

import argparse
import importlib.util

import pytest
import torch
from torch.testing import assert_close

from lossbook.catalogue import CATALOGUE, find
from lossbook.lessons.practice import measured_times
from tools.measure import bench, peers, times

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


def test_the_table_of_times_has_every_loss_and_whose_each_time_is():
    kept = measured_times()
    assert list(kept["losses"]) == [entry.name for entry in CATALOGUE]
    for entry in CATALOGUE:
        row = kept["losses"][entry.name]
        own = {"lossbook", *(["torch"] if entry.torch_module else [])}
        compiled = {f"{name}_compiled" for name in own if entry.name not in bench.NOT_COMPILED}
        expected = own | compiled | set(peers.PEERS.get(entry.name, {}))
        assert set(row["ms"]) - {"optax_compiled"} == expected, entry.name
        assert row["shape"] == list(bench.size_of(entry, times.SIZE)[0].shape), entry.name


def test_times_are_measured_in_turns_and_the_median_is_kept():
    spent = {"one": iter([9.0, 0.001, 0.003, 0.0020006]), "other": iter([9.0, 0.1, 0.1, 0.1])}
    assert times.milliseconds({name: each.__next__ for name, each in spent.items()}, 3) == {"one": 2.0, "other": 100.0}


def test_a_loss_that_is_asked_for_goes_by_any_of_its_names():
    assert bench.name_of("SmoothL1Loss") == "smooth_l1"
    with pytest.raises(argparse.ArgumentTypeError, match="no loss 'msee'. Did you mean 'mse'"):
        bench.name_of("msee")


def test_one_table_is_of_one_machine(monkeypatch, capsys):
    monkeypatch.setattr(times, "processor", lambda: "another")
    monkeypatch.setattr("sys.argv", ["times", "mse"])
    with pytest.raises(SystemExit):
        times.main()
    assert "this is {'processor': 'another'" in capsys.readouterr().err
