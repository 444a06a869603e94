"""Links to the glossary: each term, where a page uses it first."""

import re
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from book._ext.folds import NoteTitle
from book._ext.glossary import anchor, terms
from book._ext.pages import ancestry, language_folder
from tools.book import LANGUAGES, REFERENCE

# Where a link would disturb, or stand inside another one. What code prints is not the book's prose.
NO_LINKS = (nodes.title, nodes.rubric, nodes.caption, nodes.reference, addnodes.pending_xref, nodes.footnote, nodes.raw)
NO_LINKS += (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.image, NoteTitle)


@cache
def pattern(book: Path, language: str) -> tuple[re.Pattern, dict[str, str]]:
    """Finds the terms of a language in running text, longer ones first; and the anchor of each."""
    anchors: dict[str, str] = {}
    for term in terms(book):
        if language not in term.get("everyday", []):
            also = term.get("also", {}).get(language, []) if language == REFERENCE else []  # elsewhere often half words
            for form in [re.sub(r" \(.*\)$", "", term[language]), *also]:
                anchors.setdefault(form.casefold(), anchor(term))
    words = "|".join(re.escape(form).replace(r"\ ", r"\s+") for form in sorted(anchors, key=len, reverse=True))
    words = f"(?P<term>{words})"
    if "alphabet" in LANGUAGES[language].sort:  # there are blanks between words, and some add s or es
        words = rf"(?<![\w-]){words}(?:e?s)?(?![\w-])"
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
        linked: set[str] = set()
        join_lines(self.document)
        for text in prose(self.document):
            pieces, end = [], 0
            for match in terms.finditer(text):
                target = anchors[" ".join(match["term"].split()).casefold()]
                quoted = text.count("“", 0, match.start()) > text.count("”", 0, match.start())
                if target not in linked and not quoted:
                    linked.add(target)
                    link = nodes.reference("", match[0], refuri=f"{address}#{target}", internal=True, classes=["term"])
                    pieces += [nodes.Text(text[end : match.start()]), link]
                    end = match.end()
            if pieces:
                text.parent.replace(text, [*pieces, nodes.Text(text[end:])])


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
    app.add_post_transform(LinkTerms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
