"""The HTML of the explorers: controls, curve and working, complete before any script runs.

It imports torch, and is itself imported by lessons.py alone, when what it makes is not kept from an earlier build.
"""

from functools import cache
from html import escape
from pathlib import Path

from py_mini_racer import MiniRacer
from sphinx.locale import _

from book._ext.editors import code, complaints
from lossbook.kit.text import number
from lossbook.lessons.explorers import EXPLORERS, Choice, Explorer

CHART = Path(__file__).parent.parent / "_static/explorer/chart.js"
POINTS = 101  #: of a curve


@cache
def engine() -> MiniRacer:
    context = MiniRacer()
    context.eval(CHART.read_text(encoding="utf-8").rpartition("export {")[0])
    return context


@cache
def drawing(name: str) -> tuple[str, dict]:
    """The curves at the start, and what the interpreter says there: the same in every language."""
    explorer = EXPLORERS[name]
    over = explorer.controls[explorer.over]
    xs = [over.low + i / (POINTS - 1) * (over.high - over.low) for i in range(POINTS)]
    answer = explorer.answer(xs=xs)
    curves = [
        {"name": name, "points": [[point[0], point[place]] for point in answer["curve"]]}
        for place, name in enumerate(("loss", "gradient")[: 1 + explorer.draws_gradient], 1)
    ]
    marked = [over.start, answer["loss"], answer["gradient"]][: 1 + len(curves)]
    return engine().call("chart", {"curves": curves, "marked": marked}), answer


def control(name: str, kind, label: str) -> str:
    if isinstance(kind, Choice):
        chosen = {kind.start: ' selected=""'}
        options = "".join(
            f'<option value="{value}"{chosen.get(value, "")}>{number(value)}</option>' for value in kind.options
        )
        return f'<label>{label}<select name="{name}" data-control="">{options}</select></label>'
    ends = f'min="{kind.low}" max="{kind.high}" step="{kind.step}" value="{kind.start}"'
    return (
        f"<label><span>{label} <output>{number(kind.start)}</output></span>"
        f'<input type="range" name="{name}" data-control="" {ends}/></label>'
    )


def plane(explorer: Explorer) -> str:
    """The points that can be moved. The sliders say where they are; to those who see nothing this is decoration."""
    if not explorer.points:
        return ""
    lines = ['<line class="grid" x1="-2" x2="2"/><line class="grid" y1="-2" y2="2"/>']
    for name, (across, up) in explorer.points.items():
        x, y = explorer.controls[across].start, explorer.controls[up].start
        arrow = "" if "anchor" in explorer.points else f'<line x2="{-x}" y2="{y}"/>'
        lines.append(
            f'<g data-point="{name}" transform="translate({x} {-y})">{arrow}<circle r=".09"/>'
            f'<text x=".14" y="-.1">{name}</text></g>'
        )
    return f'<svg class="plane" viewBox="-2.2 -2.2 4.4 4.4" aria-hidden="true">{"".join(lines)}</svg>'


def bars(explorer: Explorer, answer: dict) -> str:
    """The probabilities that the logits become."""
    if not explorer.classes:
        return ""
    rows = "".join(
        f'<li class="bar" style="--share: {share:.4f}">{_("class %(number)s") % {"number": i}}: '
        f"<output>{number(share)}</output></li>"
        for i, share in enumerate(answer["probabilities"])
    )
    return f'<p>{_("Probabilities")}</p><ul class="bars">{rows}</ul>'


def comparison(explorer: Explorer) -> str:
    """The losses drawn over the same control with the same name."""
    over = explorer.controls[explorer.over]
    others = [
        other
        for other in EXPLORERS.values()
        if other is not explorer and other.over == explorer.over and other.controls[other.over].label is over.label
    ]
    if not others:
        return ""
    options = "".join(f'<option value="{o.name}">{o.title()}</option>' for o in others)
    return f'<label>{_("Compare with")}<select name="compare"><option value="">—</option>{options}</select></label>'


def title(explorer: Explorer) -> str:
    return _("Explore: %(what)s") % {"what": explorer.title()}


def form(explorer: Explorer) -> str:
    """What stands in an explorer's figure, in the language that is set."""
    drawn, answer = drawing(explorer.name)
    labels = {
        key: escape(kind.label()) if kind.label else f"<code>{key}</code>" for key, kind in explorer.controls.items()
    }
    controls = "".join(control(key, kind, labels[key]) for key, kind in explorer.controls.items())
    steps = "".join(f"<li>{escape(line)}</li>" for line in answer["working"])
    return f"""
<form autocomplete="off">
<svg class="curves" viewBox="0 0 480 240" aria-hidden="true">{drawn}</svg>
<p class="axis">{labels[explorer.over]}</p>
<p class="values"><span class="loss">{explorer.value()} <output name="loss">{number(answer["loss"])}</output></span>
<span class="gradient">{_("gradient")} <output name="gradient">{number(answer["gradient"])}</output></span></p>
<div class="controls">{controls}{comparison(explorer)}</div>
{plane(explorer)}{bars(explorer, answer)}
<details class="working"><summary>{_("The working")}</summary><ol>{steps}</ol></details>
<details class="definition-text"><summary>{_("The definition, to change and run")}</summary>
{code(explorer.source, f'aria-label="{_("The definition, in Python")}"')}
<button type="button" name="run" class="btn">{_("Run")}</button>
<button type="button" name="reset" class="btn">{_("Reset")}</button></details>
<p role="status" {complaints()}></p>
</form>
"""


def request(explorer: Explorer) -> dict:
    """What the page's script reads of an explorer."""
    return explorer.request() | {
        "points": explorer.points,
        "drawsGradient": explorer.draws_gradient,
        "curvePoints": POINTS,
    }
