"""The articles behind the book: where it mirrors each of their sections, and how the claims there fared."""

from collections import Counter
from collections.abc import Iterable

from docutils import nodes
from sphinx.application import Sphinx

from book._ext.cell_links import cell_link
from book._ext.claims import VERDICTS, FromData, table


class Articles(FromData):
    """``{articles}``: a table for each article, a row for each of its sections."""

    def run(self) -> list[nodes.Node]:
        """Called by Sphinx."""
        return [self.article(key, table(self.rows(key, row))) for key, row in self.data("articles").items()]

    def rows(self, key: str, article: dict) -> Iterable[list[list[nodes.Node]]]:
        """The table's rows."""
        yield [[nodes.Text(self.say(head))] for head in ("Section", "In this book", "Claims")]
        for number, title in article["sections"].items():
            mirrored = article.get("mirrored", {}).get(number)
            targets = [mirrored] if mirrored else self.mirror(key, number)
            verdicts = Counter(claim["verdict"] for claim in self.claims(key, number).values())
            fates = [
                f"{self.say(words)} {verdicts[verdict]}" for verdict, words in VERDICTS.items() if verdicts[verdict]
            ]
            yield [
                [nodes.Text(f"{number} "), *self.read(title)],
                [cell_link(self.env, *targets)] if targets else [],
                [nodes.Text(" · ".join(fates))],
            ]

    def mirror(self, article: str, section: str) -> list[str]:
        """Where the book mirrors a section: the cells that teach its claims, on the page that teaches most of them."""
        taught = [claim["taught"] for claim in self.claims(article, section).values() if "taught" in claim]
        count = Counter(target.partition("#")[0] for target in taught)
        return [target for target in taught if target.partition("#")[0] == max(count, key=count.__getitem__)]


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_directive("articles", Articles)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
