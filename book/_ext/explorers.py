"""The explorers stand under the pictures of their losses: controls, curve and working, complete before any script runs.

What moves them, book/_static/explorer and MicroPython, is loaded at the first touch.
"""

import json
from functools import cache
from html import escape
from pathlib import Path
from shutil import copyfile

from docutils import nodes
from py_mini_racer import MiniRacer
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.transforms.post_transforms import SphinxPostTransform

import lossbook
from book._ext.languages import speak
from book._ext.sections import cell_number
from lossbook.kit.text import number
from lossbook.lessons.explorers import EXPLORERS, Choice, Explorer, working
from tools.book import REFERENCE

CHART = Path(__file__).parent.parent / "_static/explorer/chart.js"
INTERPRETER = {
    "interpreter": "_static/micropython/micropython.mjs",
    "wasm": "_static/micropython/micropython.wasm",
    "worker": "_static/explorer/worker.js",
    "ask": "_static/explorer/ask.js",
}
ASSETS = INTERPRETER | {
    "script": "_static/explorer/explorer.js",
    "chart": "_static/explorer/chart.js",
    "python": "_static/explorer/working.py",
    "explorers": "_static/explorer/explorers.json",
}
POINTS = 101  #: of a curve, as in explorer.js


def of_page(docname: str, ids: list[str]) -> list[Explorer]:
    """The explorers of a page with these cells: each belongs to a picture, and stands where that is."""
    page = docname.split("/", 2)[-1]
    return [explorer for explorer in EXPLORERS.values() if explorer.page == page and explorer.cell in ids]


def addresses(assets: dict[str, str], up: str) -> str:
    """What a script of the page loads, as attributes: relative addresses, which also keep the files from being dropped."""
    return " ".join(f'data-{name}="{up}{path}"' for name, path in assets.items())


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


def figure(explorer: Explorer, up: str) -> str:
    """The explorer as HTML, in the language of the page being written."""
    drawn, answer = drawing(explorer.name)
    labels = {
        key: escape(kind.label()) if kind.label else f"<code>{key}</code>" for key, kind in explorer.controls.items()
    }
    controls = "".join(control(key, kind, labels[key]) for key, kind in explorer.controls.items())
    assets = addresses(ASSETS, up)
    steps = "".join(f"<li>{escape(line)}</li>" for line in answer["working"])
    rows = explorer.source.count("\n") + 1
    texts = {
        "no-end": _("The definition did not come to an end. Change it, and run it again."),
        "fault": _("Line {line}: {error}"),
        "somewhere": _("The definition cannot be run: {error}"),
        "failed": _("The interpreter could not be loaded. Touch a control to try again."),
    }
    said = " ".join(f'data-{key}="{escape(text)}"' for key, text in texts.items())
    title = _("Explore: %(what)s") % {"what": explorer.title()}
    return f"""
<figure class="explorer site-only pst-js-only" data-loss="{explorer.name}" {assets} role="group" aria-label="{title}">
<figcaption>{title}</figcaption>
<form autocomplete="off">
<svg class="curves" viewBox="0 0 480 240" aria-hidden="true">{drawn}</svg>
<p class="axis">{labels[explorer.over]}</p>
<p class="values"><span class="loss">{explorer.value()} <output name="loss">{number(answer["loss"])}</output></span>
<span class="gradient">{_("gradient")} <output name="gradient">{number(answer["gradient"])}</output></span></p>
<div class="controls">{controls}{comparison(explorer)}</div>
{plane(explorer)}{bars(explorer, answer)}
<details class="working"><summary>{_("The working")}</summary><ol>{steps}</ol></details>
<details class="definition-text"><summary>{_("The definition, to change and run")}</summary>
<textarea spellcheck="false" autocapitalize="off" autocomplete="off" rows="{rows}" aria-label="{_("The definition, in Python")}">
{escape(explorer.source)}</textarea>
<button type="button" name="run" class="btn">{_("Run")}</button>
<button type="button" name="reset" class="btn">{_("Reset")}</button></details>
<p role="status" {said}></p>
</form>
</figure>
"""


class Explorers(SphinxPostTransform):
    """Put the explorers of a page's losses under its picture."""

    default_priority = 15  # after Speak has switched the language, and the picture stands
    formats = ("html",)

    def run(self, **kwargs) -> None:
        """Called by Sphinx for each page."""
        docname = self.env.docname
        ids = self.env.metadata[docname].get("cells", [])
        if not (found := of_page(docname, ids)):
            return
        lossbook.set_language(speak(self.app, docname))
        up = "../" * docname.count("/")
        containers = [node for node in self.document.findall(nodes.container) if "cell" in node["classes"]]
        for explorer in reversed(found):  # each directly below the picture
            cell = next(node for node in containers if ids[cell_number(node)] == explorer.cell)
            html = nodes.raw("", figure(explorer, up), format="html")
            cell.parent.insert(cell.parent.index(cell) + 1, html)
        lossbook.set_language(REFERENCE)


def write_assets(app: Sphinx, exception: Exception | None) -> None:
    """What the page's script reads: how each loss is explored, and the numbers that show their working."""
    if exception or app.builder.name != "html":
        return
    folder = Path(app.outdir, "_static/explorer")
    copyfile(working.__file__, folder / "working.py")
    requests = {
        name: explorer.request() | {"points": explorer.points, "drawsGradient": explorer.draws_gradient}
        for name, explorer in EXPLORERS.items()
    }
    (folder / "explorers.json").write_text(json.dumps(requests), encoding="utf-8")


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_post_transform(Explorers)
    app.connect("build-finished", write_assets, priority=700)  # before idle files are dropped
    return {"parallel_read_safe": True, "parallel_write_safe": True}
