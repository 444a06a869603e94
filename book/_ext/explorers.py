"""The explorers stand under the pictures of their losses. What moves them, book/_static/explorer and MicroPython, is
loaded at the first touch. ``{explorer} huber`` puts one on a page that is no notebook."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

from book._ext.languages import speak
from book._ext.lessons import draws, lessons
from book._ext.pages import cells, language_folder
from book._ext.sections import cell_number

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


def addresses(assets: dict[str, str], up: str) -> str:
    """What a script of the page loads, as attributes: relative addresses, which also keep the files from being dropped."""
    return " ".join(f'data-{name}="{up}{path}"' for name, path in assets.items())


def figure(name: str, explorer: dict, language: str, up: str) -> nodes.raw:
    """An explorer as HTML, in a language."""
    title, form = explorer["title"][language], explorer["form"][language]
    html = f"""
<figure class="explorer site-only pst-js-only" data-loss="{name}" {addresses(ASSETS, up)} aria-label="{title}">
<figcaption>{title}</figcaption>{form}</figure>
"""
    return nodes.raw("", html, format="html")


class Wanted(nodes.General, nodes.Element):
    """The place of an explorer on a page that is no notebook."""


class PutExplorer(SphinxDirective):
    """``{explorer} huber``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Called by Sphinx."""
        self.env.metadata[self.env.docname]["computed"] = True  # asked by lessons.py
        return [Wanted("", name=self.arguments[0])]


class Explorers(SphinxPostTransform):
    """Put the explorers of a page's losses under its picture."""

    default_priority = 15  # after Speak has switched the language, and the picture stands
    formats = ("html",)

    def run(self, **kwargs) -> None:
        """Called by Sphinx for each page."""
        docname, path = self.env.docname, self.env.doc2path(self.env.docname)
        language, up = speak(self.app, docname), "../" * docname.count("/")
        for place in list(self.document.findall(Wanted)):
            place.replace_self(figure(place["name"], lessons(self.app)["explorers"][place["name"]], language, up))
        if language_folder(docname) is None or not path.endswith(".ipynb") or not any(map(draws, cells(path))):
            return
        page = docname.split("/", 2)[2]
        ids = [cell.id for cell in cells(path)]
        containers = [node for node in self.document.findall(nodes.container) if "cell" in node["classes"]]
        for name, explorer in reversed(lessons(self.app)["explorers"].items()):  # each directly below the picture
            if explorer["page"] == page and explorer["cell"] in ids:
                cell = next(node for node in containers if ids[cell_number(node)] == explorer["cell"])
                html = figure(name, explorer, language, up)
                cell.parent.insert(cell.parent.index(cell) + 1, html)


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_node(Wanted)
    app.add_directive("explorer", PutExplorer)
    app.add_post_transform(Explorers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
