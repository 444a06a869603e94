"""The glossary page, and links to it: each term of book/glossary.yml, where a page uses it first."""

import re
import unicodedata
from functools import cache
from pathlib import Path

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

from book._ext.pages import ancestry, language_folder
from tools.book import LANGUAGES, REFERENCE

# Where a link would disturb, or stand inside another one. What code prints is not the book's prose.
NO_LINKS = (nodes.title, nodes.rubric, nodes.caption, nodes.reference, addnodes.pending_xref, nodes.footnote, nodes.raw)
NO_LINKS += (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.image)


@cache
def terms(book: Path) -> list[dict]:
    """The terms, in the order of the file."""
    return yaml.safe_load((book / "glossary.yml").read_text(encoding="utf-8"))["terms"]


def anchor(term: dict) -> str:
    """The same in every language: "term-loss-function"."""
    return "term-" + "-".join(re.findall(r"\w+", term["en"].lower()))


def order(text: str, language: str) -> tuple:
    """Sorts words as readers of the language look them up."""
    rule, text = LANGUAGES[language].sort, text.casefold()
    if "charset" in rule:
        return (text.translate(str.maketrans(rule["like"])).encode(rule["charset"]), text)
    return (
        [letter(character, rule["alphabet"]) for character in text if character.isalnum() or character == " "],
        text,
    )


def letter(character: str, alphabet: str) -> tuple[int, str]:
    """The place of a letter, whatever its accents: ấ counts as â in Vietnamese, ç as c in Portuguese."""
    marks = set(unicodedata.normalize("NFD", character))
    plain = [own for own in alphabet if set(unicodedata.normalize("NFD", own)) <= marks]
    if not plain:
        return (-1, character)  # blanks and digits come first
    return (alphabet.index(max(plain, key=lambda own: len(unicodedata.normalize("NFD", own)))), "")


def inline(text: str) -> list[nodes.Node]:
    """A term, with its code as code."""
    return [nodes.literal("", part) if i % 2 else nodes.Text(part) for i, part in enumerate(text.split("`"))]


class Terms(SphinxDirective):
    """``{terms}``: every term in the page's language, and what it is called in the others."""

    def run(self) -> list[nodes.Node]:
        """Called by Sphinx."""
        here = language_folder(self.env.docname)
        entries = nodes.definition_list(classes=["terms"])
        for term in sorted(
            terms(Path(self.env.srcdir, "book")), key=lambda term: order(term[here].replace("`", ""), here)
        ):
            others = nodes.paragraph()
            for code in [code for code in LANGUAGES if code != here]:
                others += nodes.inline("", "", *inline(term[code]), classes=[f"language-{LANGUAGES[code].html}"])
                others += nodes.Text(" · ")
            others.pop()
            name = nodes.term("", "", *inline(term[here]), ids=[anchor(term)])
            entries += nodes.definition_list_item("", name, nodes.definition("", others))
        return [entries]


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
        found, anchors = pattern(Path(self.env.srcdir, "book"), language)
        linked: set[str] = set()
        for text in prose(self.document):
            pieces, end = [], 0
            for match in found.finditer(text):
                target = anchors[" ".join(match["term"].split()).casefold()]
                quoted = text.count("“", 0, match.start()) > text.count("”", 0, match.start())
                if target not in linked and not quoted:
                    linked.add(target)
                    link = nodes.reference("", match[0], refuri=f"{address}#{target}", internal=True, classes=["term"])
                    pieces += [nodes.Text(text[end : match.start()]), link]
                    end = match.end()
            if pieces:
                text.parent.replace(text, [*pieces, nodes.Text(text[end:])])


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
    app.add_directive("terms", Terms)
    app.add_post_transform(LinkTerms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
