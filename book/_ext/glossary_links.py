"""Links to the glossary: each term, where a page uses it first. Its definition stands at the end of the page, unseen until
_static/terms.js shows it beside the link; a screen reader reads it with the link."""

import re
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from book._ext.cell_links import CellLink
from book._ext.cell_links import terms as entries
from book._ext.folds import NoteTitle
from book._ext.glossary import anchor, terms
from book._ext.pages import ancestry, language_folder
from tools.book import LANGUAGES, REFERENCE

# Where a link would disturb, or stand inside another one. What code prints is not the book's prose.
NO_LINKS = (nodes.title, nodes.rubric, nodes.caption, nodes.reference, addnodes.pending_xref, nodes.footnote, nodes.raw)
NO_LINKS += (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.image, NoteTitle)


ENGLISH_GLOSS = r"[(（][A-Za-z0-9 ,;/–-]+[)）]"  # in a translation: hạ gradient (gradient descent)


class TermLink(nodes.reference):
    """A link to the glossary, which may have a definition of its own on the page."""


class Definition(nodes.container):
    """What a term of the page means."""


@cache
def pattern(book: Path, language: str) -> tuple[re.Pattern, dict[str, str]]:
    """Finds the terms of a language in running text, longer ones first; and the anchor of each."""
    anchors: dict[str, str] = {}
    apart: list[str] = []  # words that hold a term and mean something else: they are found, and lead nowhere
    for term in terms(book):
        apart += term.get("apart", {}).get(language, [])
        if language not in term.get("everyday", []):
            also = term.get("also", {}).get(language, []) if language == REFERENCE else []  # elsewhere often half words
            for form in [re.sub(r" \(.*\)$", "", term[language]), *also]:
                anchors.setdefault(form.casefold(), anchor(term))
    forms = sorted([*anchors, *apart], key=len, reverse=True)
    words = "|".join(re.escape(form).replace(r"\ ", r"\s+") for form in forms)
    words = f"(?P<term>{words})"
    if "alphabet" in LANGUAGES[language].sort:  # there are blanks between words, and some add s or es
        words = rf"(?<![\w-]){words}(?:e?s)?(?![\w-])"
    if language != REFERENCE:
        words = f"{ENGLISH_GLOSS}|{words}"
    return re.compile(words, re.IGNORECASE), anchors


class LinkTerms(SphinxPostTransform):
    """Notebooks are the pages that teach: there the first use of a term leads to the glossary."""

    default_priority = 20  # when references are links
    formats = ("html",)

    def run(self, **kwargs) -> None:
        """Called by Sphinx for each page."""
        language = language_folder(self.env.docname)
        glossary = f"book/{language}/glossary"
        if glossary not in self.env.all_docs or not self.env.doc2path(self.env.docname).endswith(".ipynb"):
            return
        address = self.app.builder.get_relative_uri(self.env.docname, glossary)
        terms, anchors = pattern(Path(self.env.srcdir, "book"), language)
        definitions: dict[str, Definition] = {}
        join_lines(self.document)
        for text in prose(self.document):
            pieces, end = [], 0
            for match in terms.finditer(text):
                target = anchors.get(" ".join((match["term"] or "").split()).casefold())
                quoted = text.count("“", 0, match.start()) > text.count("”", 0, match.start())
                if target and target not in definitions and not quoted:
                    definitions[target] = self.definition(glossary, f"{address}#{target}", target)
                    link = TermLink("", match[0], refuri=f"{address}#{target}", about=definitions[target]["ids"])
                    pieces += [nodes.Text(text[end : match.start()]), link]
                    end = match.end()
            if pieces:
                text.parent.replace(text, [*pieces, nodes.Text(text[end:])])
        self.document += [definition for definition in definitions.values() if definition.children]

    def definition(self, glossary: str, address: str, target: str) -> Definition:
        """What the glossary says of a term, and the ways to learn more; empty where it says nothing yet."""
        entry = entries(self.env, glossary)[target].parent[1]
        if len(entry) == 1:  # the names in other languages
            return Definition()
        more = nodes.paragraph(classes=["more"])
        for link in entry.findall(CellLink):
            if link["docname"] != self.env.docname:
                more += [link.deepcopy(), nodes.Text(" · ")]
        title = [child.deepcopy() for child in self.env.titles[glossary].children]
        more += nodes.reference("", "", *title, refuri=address, internal=True)
        return Definition("", entry[0].deepcopy(), more, ids=[f"about-{target}"])


def visit_link(self, node: TermLink) -> None:
    """A link that names its definition."""
    about = {"aria-describedby": node["about"][0]} if node["about"] else {}
    self.body.append(self.starttag(node, "a", "", CLASS="reference internal term", href=node["refuri"], **about))


def depart_link(self, node: TermLink) -> None:
    """Close the link."""
    self.body.append("</a>")


def visit_definition(self, node: Definition) -> None:
    """A popover: the browser hides it, lays it over the page, and closes it on Escape or a click elsewhere."""
    self.body.append(self.starttag(node, "div", "", CLASS="definition", popover="auto"))


def depart_definition(self, node: Definition) -> None:
    """Close the popover."""
    self.body.append("</div>\n")


def join_lines(page: nodes.document) -> None:
    """MyST makes a text of each line: a term may stand on two."""
    for element in list(page.findall(nodes.TextElement)):
        children: list[nodes.Node] = []
        for child in element.children:
            if children and isinstance(child, nodes.Text) and isinstance(children[-1], nodes.Text):
                children[-1] = nodes.Text(children[-1] + child)
            else:
                children.append(child)
        element[:] = children


def prose(page: nodes.document) -> list[nodes.Text]:
    """The texts of a page that may hold links; not those in <q>…</q>."""
    texts, quoted = [], False
    for node in page.findall():
        if isinstance(node, nodes.raw):
            quoted = node.astext().startswith("<q") or (quoted and node.astext() != "</q>")
        elif isinstance(node, nodes.Text) and not quoted:
            around = list(ancestry(node.parent))
            if not any(isinstance(n, NO_LINKS) or "cell_output" in n.get("classes", []) for n in around):
                texts.append(node)
    return texts


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_node(TermLink, html=(visit_link, depart_link))
    app.add_node(Definition, html=(visit_definition, depart_definition))
    app.add_post_transform(LinkTerms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
