"""The articles behind the book: where it mirrors each of their sections, and how the claims there fared."""

from collections import Counter
from collections.abc import Iterable

from docutils import nodes
from sphinx.application import Sphinx

from book._ext.cell_links import cell_ids, cell_link, docname_of
from book._ext.claims import VERDICTS, FromData


class Articles(FromData):
    """``{articles}``: a table for each article, a row for each of its sections."""

    def run(self) -> list[nodes.Node]:
        """Called by Sphinx."""
        return [self.article(key, self.table(self.rows(key, row))) for key, row in self.data("articles").items()]

    def rows(self, key: str, article: dict) -> Iterable[list[list[nodes.Node]]]:
        """The table's rows."""
        yield [[nodes.Text(self.say(head))] for head in ("Section", "In this book", "Claims")]
        for number, title in article["sections"].items():
            target = article.get("mirrored", {}).get(number) or self.mirror(key, number)
            verdicts = Counter(claim["verdict"] for claim in self.claims(key, number).values())
            fates = [
                f"{self.say(words)} {verdicts[verdict]}" for verdict, words in VERDICTS.items() if verdicts[verdict]
            ]
            yield [
                [nodes.Text(f"{number} "), *self.read(title)],
                [cell_link(self.env, target)] if target else [],
                [nodes.Text(" · ".join(fates))],
            ]

    def mirror(self, article: str, section: str) -> str | None:
        """Find where the book mirrors a section: on the page that teaches most of its claims, where it teaches the first."""
        taught = [claim["taught"] for claim in self.claims(article, section).values() if "taught" in claim]
        for page, _ in Counter(target.partition("#")[0] for target in taught).most_common():
            for cell in cell_ids(self.env, docname_of(self.env, page)):
                if f"{page}#{cell}" in taught:
                    return f"{page}#{cell}"
        return taught[0] if taught else None  # an address that does not exist is reported when the link is made


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_directive("articles", Articles)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
