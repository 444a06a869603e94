"""References to books and papers: footnotes on the pages that cite, one list of all. No words, so no language:
authors, title, where, year, address. Only the language of a work is told in the page's own.

Pages cite with a plain link to a work's address, "([Girshick 2015](https://arxiv.org/abs/1504.08083))".
"""

import re
from pathlib import Path

from docutils import nodes
from pybtex.backends import BaseBackend
from pybtex.database import Entry, Person
from pybtex.plugin import find_plugin
from pybtex.richtext import HRef, Tag, Text
from pybtex.style import FormattedEntry
from pybtex.style.formatting import BaseStyle
from pybtex.style.labels.number import LabelStyle
from pybtex.style.names.plain import NameStyle
from pybtex.style.sorting.none import SortingStyle
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

from book._ext.languages import interface
from book._ext.pages import PageError, language_folder, where
from tools.book import REFERENCE, bibliography
from tools.book.works import ADDRESSES, ARTICLE, address, cited

WHERE = ("journal", "booktitle", "publisher", "howpublished", "organization")
LANGUAGE = {"vi": "in Vietnamese", "zh": "in Chinese", "pt": "in Portuguese"}
BESIDE = re.compile(r"[,;，；、]\s*")  # between two citations
OPEN, CLOSE = re.compile(r"\s*[(（]$"), re.compile(r"^[)）]")


class Style(BaseStyle):
    """The style of an entry of book/references.bib."""

    language = REFERENCE  # of the page being read
    # The classes: to find them by name, pybtex looks through all installed packages, at every citation.
    default_label_style, default_name_style, default_sorting_style = LabelStyle, NameStyle, SortingStyle

    def format_entry(self, label: str, entry: Entry, bib_data=None) -> FormattedEntry:
        """The same for works of every kind."""
        fields = {name: Text.from_latex(value) for name, value in entry.fields.items() if name not in ADDRESSES}
        pages = re.sub("-+", "–", entry.fields.get("pages", ""))
        volume = " ".join(entry.fields[name] for name in ("volume", "number") if name in entry.fields)
        printed = [*(fields[name] for name in WHERE if name in fields), volume, pages, entry.fields.get("year", "")]
        told = [LANGUAGE[entry.fields["langid"]]] if "langid" in entry.fields else []
        told += ["translated from English"] if entry.fields.get("origlanguage") == "en" else []
        title = fields["title"]
        sentences = [
            self.authors(entry.persons.get("author", [])),
            title if entry.fields.get("langid") == "zh" else Tag("em", title),  # Chinese has no italics
            Text(", ").join([part for part in printed if part]),
            Text(", ").join([interface.text(text, self.language) for text in told]).capfirst(),
        ]
        parts = [sentence.add_period() for sentence in sentences if sentence]
        if place := address(entry):
            parts.append(HRef(place, place.removeprefix("https://")))
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


def paragraph(entry: Entry) -> nodes.paragraph:
    """The entry, put into words."""
    backend: BaseBackend = find_plugin("pybtex.backends", "docutils")()
    return backend.paragraph(Style().format_entry("", entry))


class References(SphinxDirective):
    """``{references} articles``: the articles the book follows; ``{references} works``: all other entries."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Called by Sphinx."""
        wanted = {"articles": True, "works": False}[self.arguments[0]]
        entries = bibliography(Path(self.env.srcdir)).entries
        keys = [key for key in entries if bool(ARTICLE.fullmatch(key)) == wanted]
        items = [nodes.list_item("", paragraph(entries[key]), ids=[key]) for key in keys]
        if not wanted:
            items.sort(key=lambda item: item.astext().casefold())
        return [nodes.bullet_list("", *items)]


class Cite(SphinxTransform):
    """A link to a work becomes a footnote. Where the links stand in parentheses, only the raised numbers stay."""

    default_priority = 600  # before docutils numbers footnotes

    def apply(self, **kwargs) -> None:
        """Called by Sphinx for each page. Notebooks cite; the other pages show the works themselves."""
        if not self.env.doc2path(self.env.docname).endswith(".ipynb"):
            return
        self.root = Path(self.env.srcdir)
        self.entries = bibliography(self.root).entries
        self.notes: dict[str, nodes.footnote] = {}
        for paragraph in list(self.document.findall(nodes.TextElement)):
            links = [child for child in paragraph.children if self.key(child)]
            while links:
                group = [links.pop(0)]
                while links and isinstance(between := group[-1].next_node(descend=False, siblings=True), nodes.Text):
                    if not BESIDE.fullmatch(between) or between.next_node(siblings=True) is not links[0]:
                        break
                    group.append(links.pop(0))
                self.cite(paragraph, group)
        if self.notes:
            sections = list(self.document.findall(nodes.section))
            (sections or [self.document])[-1].extend(self.notes.values())

    def key(self, node: nodes.Node) -> str | None:
        """The work a link cites."""
        if isinstance(node, nodes.reference):
            return cited(node.get("refuri", ""), self.root)
        if isinstance(node, addnodes.pending_xref) and node.get("reftargetid"):
            return cited(f"{node['reftarget']}#{node['reftargetid']}", self.root)
        return None

    def cite(self, paragraph: nodes.TextElement, group: list[nodes.Element]) -> None:
        """Put footnotes in the place of neighboring citations, or a link to an article where it is listed."""
        keys = [self.key(link) for link in group]
        for key, link in zip(keys, group, strict=True):
            if key not in self.entries:
                raise PageError(
                    f"{where(self.app, self.env.docname, link)} cites {key}, which book/references.bib does not have."
                )
            if ARTICLE.fullmatch(key):
                references = f"book/{language_folder(self.env.docname)}/references"
                listed = self.app.builder.get_relative_uri(self.env.docname, references)
                link.replace_self(nodes.reference("", "", *link.children, refuri=f"{listed}#{key}", internal=True))
                return
        first, end = paragraph.index(group[0]), paragraph.index(group[-1]) + 1
        before, words, after = paragraph[:first], paragraph[first:end], paragraph[end:]
        beside = [node for node in (*before[-1:], *after[:1]) if isinstance(node, nodes.Text)]
        if len(beside) == 2 and (begin := OPEN.search(beside[0])) and CLOSE.search(beside[1]):
            before[-1], words, after[0] = nodes.Text(beside[0][: begin.start()]), [], nodes.Text(beside[1][1:])
        # A work without an address has no place of its own to link to; its footnote tells all.
        words = [n for word in words for n in (word.children if isinstance(word, addnodes.pending_xref) else [word])]
        paragraph.children = []
        paragraph.extend([*before, *words, *map(self.mark, keys), *after])

    def mark(self, key: str) -> nodes.footnote_reference:
        """A raised number; the footnote is made at the work's first."""
        name = f"cite-{key}"
        if key not in self.notes:
            note = nodes.footnote("", paragraph(self.entries[key]), auto=1, names=[name])
            self.document.note_autofootnote(note)
            self.document.note_explicit_target(note, note)
            self.notes[key] = note
        mark = nodes.footnote_reference("", auto=1, refname=name)
        self.document.note_autofootnote_ref(mark)
        self.document.note_footnote_ref(mark)
        return mark


def speak(app: Sphinx, docname: str, content: list[str]) -> None:
    """Entries are put into words while their page is read."""
    Style.language = language_folder(docname) or REFERENCE


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.connect("source-read", speak)
    app.add_directive("references", References)
    app.add_transform(Cite)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
