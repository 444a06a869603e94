"""The glossary page: each term of book/glossary.yml, what it means, where it is taught, and its name in the other languages."""

import re
import unicodedata
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from book._ext.cell_links import cell_link, docname_of
from book._ext.pages import language_folder
from tools.book import LANGUAGES, read_data


def terms(book: Path) -> list[dict]:
    """The terms, in the order of the file."""
    return read_data("glossary", book.parent)["terms"]


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
    """``{terms}``: every term in the page's language, defined, and what it is called in the others."""

    def run(self) -> list[nodes.Node]:
        """Called by Sphinx."""
        here = language_folder(self.env.docname)
        entries = nodes.definition_list(classes=["terms", "simple"])
        for term in sorted(
            terms(Path(self.env.srcdir, "book")), key=lambda term: order(term[here].replace("`", ""), here)
        ):
            name = nodes.term("", "", *inline(term[here]), ids=[anchor(term)])
            meaning = nodes.definition("", *self.definition(term, here), self.others(term, here))
            entries += nodes.definition_list_item("", name, meaning)
        return [entries]

    def definition(self, term: dict, here: str) -> list[nodes.paragraph]:
        """What the term means, in Markdown of one line, and a link to the page that teaches it."""
        if here not in term.get("definition", {}):
            return []
        paragraphs = [nodes.paragraph("", "", *self.parse_inline(term["definition"][here], lineno=self.lineno)[0])]
        if docname_of(self.env, term["page"].partition("#")[0]) in self.env.found_docs:
            paragraphs.append(nodes.paragraph("", "", cell_link(self.env, term["page"]), classes=["taught"]))
        return paragraphs

    def others(self, term: dict, here: str) -> nodes.paragraph:
        """The term's names in the other languages."""
        others = nodes.paragraph()
        for code in [code for code in LANGUAGES if code != here]:
            others += nodes.inline("", "", *inline(term[code]), classes=[f"language-{LANGUAGES[code].html}"])
            others += nodes.Text(" · ")
        others.pop()
        return others


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_directive("terms", Terms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
