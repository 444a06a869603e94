"""References to books and papers: footnotes on the pages that cite, one list of all. No words, so no language:
authors, title, where, year, address. Only the language of a work is told in the page's own."""

import re

from docutils import nodes
from pybtex.backends import BaseBackend
from pybtex.database import Entry, Person
from pybtex.plugin import find_plugin, register_plugin
from pybtex.richtext import HRef, Tag, Text
from pybtex.style import FormattedEntry
from pybtex.style.formatting import BaseStyle
from pybtex.style.labels.number import LabelStyle
from pybtex.style.names.plain import NameStyle
from pybtex.style.sorting.none import SortingStyle
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

from book._ext.languages import interface
from book._ext.pages import language_folder
from tools.book import REFERENCE

WHERE = ("journal", "booktitle", "publisher", "howpublished", "organization")
ADDRESSES = {"doi": "https://doi.org/{}", "eprint": "https://arxiv.org/abs/{}", "url": "{}"}  # the first that is known
LANGUAGE = {"vi": "in Vietnamese", "zh": "in Chinese", "pt": "in Portuguese"}
ARTICLE = re.compile(r"article\d{3}")  # keys of the articles that the book follows


class Style(BaseStyle):
    """How an entry of book/references.bib reads."""

    language = REFERENCE  # of the page being read
    # The classes: to find them by name, pybtex looks through all installed packages, at every citation.
    default_label_style, default_name_style, default_sorting_style = LabelStyle, NameStyle, SortingStyle

    def format_entry(self, label: str, entry: Entry, bib_data=None) -> FormattedEntry:
        """The same for works of every kind."""
        fields = {name: Text.from_latex(value) for name, value in entry.fields.items() if name not in ADDRESSES}
        pages = re.sub("-+", "–", entry.fields.get("pages", ""))
        volume = " ".join(entry.fields[name] for name in ("volume", "number") if name in entry.fields)
        place = [*(fields[name] for name in WHERE if name in fields), volume, pages, entry.fields.get("year", "")]
        told = [LANGUAGE[entry.fields["langid"]]] if "langid" in entry.fields else []
        told += ["translated from English"] if entry.fields.get("origlanguage") == "en" else []
        title = fields["title"]
        sentences = [
            self.authors(entry.persons.get("author", [])),
            title if entry.fields.get("langid") == "zh" else Tag("em", title),  # Chinese has no italics
            Text(", ").join([part for part in place if part]),
            Text(", ").join([interface.text(text, self.language) for text in told]).capfirst(),
        ]
        parts = [sentence.add_period() for sentence in sentences if sentence]
        for field, address in ADDRESSES.items():
            if field in entry.fields:
                address = address.format(entry.fields[field])
                parts.append(HRef(address, address.removeprefix("https://")))
                break
        return FormattedEntry(entry.key, Text(" ").join(parts), label)

    def authors(self, persons: list[Person]) -> Text:
        """First names first; "and others" at the end of the list stands for those that are not named."""
        others = [person for person in persons if str(person) == "others"]
        names = [
            Text(" ").join(p.rich_first_names + p.rich_middle_names + p.rich_prelast_names + p.rich_last_names)
            for p in persons
            if p not in others
        ]
        return Text(Text(", ").join(names), f" {interface.text('et al.', self.language)}" if others else "")


class References(SphinxDirective):
    """``{references} articles``: the articles the book follows; ``{references} works``: all other entries."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Called by Sphinx."""
        bibliography = self.env.get_domain("cite").bibdata
        backend: BaseBackend = find_plugin("pybtex.backends", "docutils")()
        wanted = {"articles": True, "works": False}[self.arguments[0]]
        entries = [e for key, e in bibliography.data.entries.items() if bool(ARTICLE.fullmatch(key)) == wanted]
        texts = [backend.paragraph(Style().format_entry("", entry)) for entry in entries]
        if not wanted:
            texts.sort(key=lambda text: text.astext().casefold())
        return [nodes.bullet_list("", *(nodes.list_item("", text) for text in texts))]


class TrimBlanks(SphinxPostTransform):
    """Sources write a blank before a citation, as before a word; on the page its raised number follows directly."""

    default_priority = 10

    def run(self, **kwargs) -> None:
        """Called by Sphinx for each page."""
        for reference in self.document.findall(nodes.footnote_reference):
            siblings = reference.parent.children
            at = siblings.index(reference)
            if at and isinstance(siblings[at - 1], nodes.Text):
                siblings[at - 1] = nodes.Text(siblings[at - 1].rstrip())
                siblings[at - 1].parent = reference.parent


def speak(app: Sphinx, docname: str, content: list[str]) -> None:
    """Entries are put into words while their page is read."""
    Style.language = language_folder(docname) or REFERENCE


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    register_plugin("pybtex.style.formatting", "book", Style, force=True)
    app.connect("source-read", speak)
    app.add_directive("references", References)
    app.add_post_transform(TrimBlanks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
