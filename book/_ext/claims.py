"""The fact-check: what the articles behind the book claim and what became of it, from claims.yml and articles.yml."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from book._ext.cell_links import cell_link
from book._ext.languages import interface
from book._ext.pages import PageError, language_folder
from book._ext.references import paragraph
from tools.book import LANGUAGES, REFERENCE, bibliography, read_data

VERDICTS = {
    "confirmed": "Confirmed",
    "caveat": "True, with a limit",
    "imprecise": "Imprecise",
    "wrong": "Wrong",
    "outdated": "Outdated",
    "mistranslation": "Mistranslated",
    "unreproducible": "Not reproducible",
    "uncheckable": "Nothing to check",
}
TOLD = ("imprecise", "wrong", "outdated", "mistranslation", "unreproducible")  # what a reader must not take over
BASES = {
    "original": "compared with the English original or another translation of it",
    "text": "the article itself shows it",
}


def table(rows: Iterable[list[list[nodes.Node]]]) -> nodes.table:
    """A table of cells; the first row is its head."""
    head, *body = [nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in row)) for row in rows]
    columns = [nodes.colspec(colwidth=1) for _ in head]
    group = nodes.tgroup("", *columns, nodes.thead("", head), nodes.tbody("", *body), cols=len(columns))
    return nodes.table("", group, classes=["colwidths-auto"])


class FromData(SphinxDirective):
    """Base of the directives that show the data."""

    def data(self, name: str) -> dict[str, dict]:
        """Load book/<name>.yml."""
        return read_data(name, Path(self.env.srcdir))

    def claims(self, article: str, section: str | None = None) -> dict[str, dict]:
        """The claims of an article, or of one section of it."""
        claims = {key: claim for key, claim in self.data("claims").items() if claim["article"] == article}
        return {key: claim for key, claim in claims.items() if section in (None, claim["section"])}

    def say(self, message: str) -> str:
        """An interface text in the page's language."""
        return interface.text(message, language_folder(self.env.docname))

    def read(self, texts: dict[str, str]) -> list[nodes.Node]:
        """A text of the data in the page's language: Markdown of one line."""
        language = language_folder(self.env.docname)
        if language not in texts:
            raise PageError(
                f"book/claims.yml or book/articles.yml says “{texts[REFERENCE]}” in {', '.join(texts)}, but "
                f"{self.env.docname} shows it in {LANGUAGES[language].name}. Translate it there."
            )
        return self.parse_inline(texts[language], lineno=self.lineno)[0]

    def section(self, id: str, texts: dict[str, str], *content: nodes.Node) -> nodes.section:
        """A heading and what stands under it."""
        return nodes.section("", nodes.title("", "", *self.read(texts)), *content, ids=[id])

    def article(self, key: str, *content: nodes.Node) -> nodes.section:
        """An article: its title, its entry in the bibliography, and what is told of it."""
        row = self.data("articles")[key]
        titles = {language: row["translated"].get(language, row["title"]) for language in LANGUAGES}
        return self.section(key, titles, paragraph(bibliography(Path(self.env.srcdir)).entries[key]), *content)

    def labeled(self, label: str, *content: nodes.Node) -> nodes.paragraph:
        """A paragraph that begins with bold words."""
        label = self.say(label)
        space = nodes.Text("" if label.endswith("：") else " ")
        return nodes.paragraph("", "", nodes.strong("", label), space, *content)


class FactCheck(FromData):
    """``{fact-check}``: how many claims of each article got which verdict, and those that do not hold."""

    def run(self) -> list[nodes.Node]:
        """Called by Sphinx."""
        return [self.counts(), *(self.article(key, *self.sections(key)) for key in self.data("articles"))]

    def counts(self) -> nodes.table:
        """Verdicts by article."""
        articles = self.data("articles")
        rows = [[self.say("Verdict"), *(row["title"] for row in articles.values()), self.say("Total")]]
        count = Counter((claim["article"], claim["verdict"]) for claim in self.data("claims").values())
        for verdict, words in VERDICTS.items():
            numbers = [count[article, verdict] for article in articles]
            rows.append([self.say(words), *map(str, numbers), str(sum(numbers))])
        totals = [len(self.claims(article)) for article in articles]
        rows.append([self.say("Total"), *map(str, totals), str(sum(totals))])
        return table([[nodes.Text(cell)] for cell in row] for row in rows)

    def sections(self, article: str) -> Iterable[nodes.section]:
        """The articles with claims that do not hold."""
        for number, title in self.data("articles")[article]["sections"].items():
            told = [self.claim(*item) for item in self.claims(article, number).items() if item[1]["verdict"] in TOLD]
            if told:
                yield self.section(f"{article}-{number.replace('.', '-')}", title, *told)

    def claim(self, key: str, claim: dict) -> nodes.container:
        """The claim, what is right, how that was found, where it is taught."""
        checks = claim.get("check", [])
        basis: list[nodes.Node] = [nodes.Text(self.say(BASES[claim["basis"]]))] if "basis" in claim else []
        for check in [checks] if isinstance(checks, str) else checks:
            basis += [nodes.Text(" · ")] if basis else []
            basis.append(nodes.literal("", check))
        parts = [
            nodes.paragraph("", "", nodes.strong("", self.say(VERDICTS[claim["verdict"]])), nodes.Text(f" · {key}")),
            self.labeled("The article:", *self.read(claim["claim"])),
            self.labeled("What is right:", *self.read(claim["right"])),
            self.labeled("Checked:", *basis),
        ]
        if "taught" in claim:
            parts.append(self.labeled("In this book:", cell_link(self.env, claim["taught"])))
        return nodes.container("", *parts, ids=[key.lower()], classes=["claim"])


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_directive("fact-check", FactCheck)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
