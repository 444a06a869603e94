"""Finds what is behind batches on which a loss failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ...kit.batches.batch import Batch, Settings
from ..compare import Sample, Standard, Trial, close, fault_of
from ..examination import Examination
from ..repairs import EXCHANGED, WRITTEN_OTHERWISE
from ..slips import slips_inside, slips_of_arguments, slips_outside
from .by_argument import by_idle, by_idle_part, by_mask, by_mixing
from .by_common import by_common, by_parting
from .by_cut import by_cut, by_lost_gradient
from .by_dead import by_dead
from .by_default import by_count, by_default
from .by_entrance import by_entrance
from .by_infinity import by_infinite_gradient, by_infinity
from .by_manner import by_broadcast, by_gradient
from .by_place import by_layout, by_place, by_unused
from .by_ratio import by_factor, by_half, by_offset, by_ratio, by_zero
from .by_region import by_region
from .by_repair import by_divisor, by_repair
from .by_slip import by_slip
from .by_source import by_source
from .by_terms import by_terms
from .by_ties import by_ties
from .diagnosis import Diagnosis
from .operations import recorded
from .refuting import resized
from .search import Repair

Way = Callable[[], Diagnosis | None]


def family(batch: Batch) -> str:
    """The form of a batch, or that of which it is a special case."""
    return batch.base or batch.form


@dataclass(frozen=True)
class Evidence:
    """The loss, and every batch that was tried on it under the same settings: those on which it is right refute."""

    loss: Callable
    trials: Sequence[Trial]
    settings: Settings

    def key(self, fault: str) -> str:
        """What a diagnosis holds for: a fault under some settings."""
        return f"{fault} {sorted(self.settings)}"

    def ordinary(self) -> list[Sample]:
        """Every ordinary batch on which it gives a number, whatever its form."""
        return [t.sample for t in self.trials if t.sample and not t.batch.edge]

    def beyond_zero(self, samples: Sequence[Sample]) -> list[Sample]:
        """Where the loss gives 0 on all of these, as a hinge beyond its margin, the batches on which it does not."""
        if any(bool(s.got.value.any()) for s in samples):
            return []
        return [t.sample for t in self.trials if t.sample and bool(t.sample.got.value.any())]

    def beside(self, failing: Sequence[Sample], standard: Standard) -> list[Sample]:
        """The other batches that a diagnosis must fit, the ordinary ones first: those of the same form, and the right ones.

        In another form a loss of the catalogue may take the input for something else, and where losses break it may be
        wrong in another way too.
        """
        taken, forms = {id(sample.batch) for sample in failing}, {family(sample.batch) for sample in failing}

        def tells(trial: Trial) -> bool:
            alike = not trial.batch.edge and (standard.guessed or family(trial.batch) in forms)
            return alike or fault_of(trial, standard) is None

        others = [t.sample for t in self.trials if t.sample and id(t.batch) not in taken and tells(t)]
        return sorted(others, key=lambda s: s.batch.edge)


def diagnose(examination: Examination, trials: Sequence[Trial], fault: str, evidence: Evidence) -> Diagnosis | None:
    """Find what is behind trials that failed with this fault."""
    failing = [trial.sample for trial in trials if trial.sample]
    if not failing:
        return None
    if fault == "graph cut":
        return by_cut(examination, failing[0], evidence.loss)
    if fault == "not finite":
        return by_unused(examination, failing, evidence.trials, evidence.settings) or by_infinity(
            examination, failing[0], evidence.loss
        )
    only_edges = all(sample.batch.edge for sample in failing)  # where a wrong loss may have the right value by chance
    if (
        fault.startswith("gradient")
        and only_edges
        and any(examination.fault(t) == "value" for t in examination.ordinary())
    ):
        return None  # a wrong value explains the wrong gradient
    if fault == "gradient not finite":
        return by_infinite_gradient(examination, failing[0], evidence.loss)
    if fault == "shape" and (found := by_layout(failing)):
        return found
    return _of_numbers(examination, failing, fault, evidence) if fault in ("value", "shape", "gradient") else None


def _of_numbers(
    examination: Examination, failing: Sequence[Sample], fault: str, evidence: Evidence
) -> Diagnosis | None:
    """What explains wrong numbers: a slip of the right loss, a change of this one, or else where they are wrong."""
    known = examination.diagnosed.get(evidence.key(fault))
    everywhere = examination.standard.guessed or isinstance(known, Repair)
    if known is not None and (everywhere or all(sample.batch.edge for sample in failing)):
        return known  # what is wrong with ordinary numbers is wrong with these
    made_up = fault == "value" and examination.reference.guessed and all(sample.batch.edge for sample in failing)
    tied = by_ties(examination, failing, evidence.loss) if made_up else None
    if tied is not None:
        return tied
    if evidence.key(fault) in examination.unexplained and all(sample.batch.edge for sample in failing):
        return None  # nor are these, which would take as long
    found = _searched(examination, failing, fault, evidence)
    if found is not None:
        examination.diagnosed.setdefault(evidence.key(fault), found)
    elif examination.standard.guessed:
        examination.unexplained.add(evidence.key(fault))
    return found


#: Of a person's own loss the code tells more than what may be done to the arguments of any loss; and a slip of a loss
#: like it may only seem to be behind what does not depend on an argument.
OF_OWN = (
    "dead", "idle", "divisor", "inside", "ratio", "offset", "exchanged", "default", "repair", "count", "written",
    "arguments", "entrance", "part", "mixing", "common", "outside", "zero", "factor", "mask", "terms", "broadcast", "region",
    "place", "parting",
)  # fmt: skip
OF_CATALOGUE = (
    "slip", "ratio", "offset", "exchanged", "default", "repair", "count", "written", "entrance", "part", "zero", "factor",
    "idle", "mask", "terms", "broadcast", "mixing", "region", "place",
)  # fmt: skip
OF_GRADIENT = ("lost", "half", "repair", "slip", "ratio", "gradient", "region", "place")


def _searched(examination: Examination, failing: Sequence[Sample], fault: str, evidence: Evidence) -> Diagnosis | None:
    """The first of the ways, the likeliest first, that explains all batches."""
    loss, standard = evidence.loss, examination.standard_with(evidence.settings)
    # Where it gives no number at all it may be wrong in another way too.
    others = [s for s in evidence.beside(failing, standard) if s.got.is_finite or fault == "shape"]
    if fault == "gradient":  # where the value is wrong as well, something else is
        others = [s for s in others if _has_right_value(s, standard.tolerance)]
    if examination.reference.entry is None:
        others += resized(loss, standard, failing[0].batch)
    every = sorted([*failing, *(s for s in others if not s.batch.edge)], key=lambda s: s.batch.edge)
    telling = evidence.beyond_zero(every) if fault != "gradient" else []  # else whatever gives 0 too would fit
    factor = by_factor(every) if fault != "gradient" and not telling else None
    calls = {operation.name for operation in recorded(examination, failing[0].batch, loss)}
    ratios = [partial(by_ratio, samples, fault, calls) for samples in (evidence.ordinary(), every)]
    known = factor is not None
    ways: dict[str, Way] = {
        "ratio": partial(_first, [] if telling else ratios),
        "factor": lambda: factor,
        "repair": partial(by_repair, examination, loss, every, fault=fault, known=known, settings=evidence.settings),
        "region": partial(by_region, examination, failing, loss, fault=fault),
        "place": partial(by_place, examination, failing, evidence.trials, evidence.settings),
        "lost": partial(by_lost_gradient, examination, failing, loss),
        "half": partial(by_half, every),
        "gradient": partial(by_gradient, examination, failing, loss),
        "zero": partial(by_zero, every),
        "offset": partial(by_offset, every if fault == "value" else []),
        "default": partial(by_default, examination, every, evidence.settings),
        "count": partial(by_count, examination, every, evidence.settings),
        "broadcast": partial(by_broadcast, examination, failing[0], loss),
        **_of_loss(examination, loss, every),
        **_of_slips(examination, loss, failing, [*others, *telling], fault, evidence.settings),
    }
    ways["mixing"] = partial(_confirmed, ways["broadcast"], ways["mixing"])
    ways["common"] = partial(_and_where, ways["common"], ways["region"], ways["broadcast"])
    if standard.guessed:
        ways["idle"] = partial(_mended, ways["idle"], ways["repair"])
    if fault == "gradient":
        order: Sequence[str] = OF_GRADIENT
    else:
        order = OF_OWN if examination.standard.guessed else OF_CATALOGUE
    return _first([ways[name] for name in order if name != "divisor" or fault == "value"])


def _of_loss(examination: Examination, loss: Callable, every: Sequence[Sample]) -> dict[str, Way]:
    """What the loss shows by itself, or beside the right one."""
    shown = {
        "idle": by_idle, "mask": by_mask, "part": by_idle_part, "mixing": by_mixing, "dead": by_dead,
    }  # fmt: skip
    compared = {
        "terms": by_terms, "entrance": by_entrance, "common": by_common, "parting": by_parting, "divisor": by_divisor,
    }  # fmt: skip
    ways: dict[str, Way] = {name: partial(way, examination, every, loss) for name, way in shown.items()}
    ways |= {name: partial(way, examination, loss, every) for name, way in compared.items()}
    for name, changes in (("exchanged", EXCHANGED), ("written", WRITTEN_OTHERWISE)):
        ways[name] = partial(by_source, examination, loss, every, changes)
    return ways


def _of_slips(
    examination: Examination,
    loss: Callable,
    failing: Sequence[Sample],
    others: Sequence[Sample],
    fault: str,
    settings: Settings,
) -> dict[str, Way]:
    """What people get wrong in the right loss; of a person's own, by how much it tells."""
    slip = partial(by_slip, examination, loss, failing, others, settings, fault=fault)
    parts = {"inside": slips_inside, "arguments": slips_of_arguments, "outside": slips_outside}
    return {"slip": slip, **{name: partial(slip, of=of) for name, of in parts.items()}}


def _has_right_value(sample: Sample, tolerance: float) -> bool:
    got, want = sample.got.value, sample.best.value
    return got.numel() == want.numel() and close(got.reshape(want.shape), want, tolerance)


def _and_where(way: Way, where: Way, broadcast: Way) -> Diagnosis | None:
    """What one way finds, and where it shows; what is paired at that line."""
    found = way()
    if found is None:
        return None
    paired = broadcast()
    more = [paired] if paired is not None and paired.line == found.line else []
    more += [region] if (region := where()) is not None else []
    return replace(found, says="; ".join(m.says for m in (found, *more)))


def _mended(way: Way, repair: Way) -> Diagnosis | None:
    """What one way finds, and the change that mends it, where there is one."""
    found = way()
    better = None if found is None else repair()
    return found if found is None or better is None else replace(better, says=f"{found.says}; {better.says}")


def _confirmed(broadcast: Way, mixing: Way) -> Diagnosis | None:
    """Samples that meet; with what was paired, which then was no intention."""
    found = mixing()
    if found is None or (paired := broadcast()) is None:
        return found
    return replace(paired, says=f"{paired.says}; {found.says}")


def _first(ways: Sequence[Way]) -> Diagnosis | None:
    return next((found for way in ways if (found := way()) is not None), None)
