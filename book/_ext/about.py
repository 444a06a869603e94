"""What a page says of itself: below its title for whom it is and how long it takes to read, at its end the article that
it follows. What it needs stands in its first lines, which readers of the notebook see too."""

from html import escape

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform

from book._ext.folds import Note
from book._ext.languages import speak
from book._ext.pages import cells, language_folder
from book._ext.sections import cell_number
from tools.book import LANGUAGES, Cell
from tools.book.words import WORD, cell_words

ARTICLE = "about-the-article"  # the cell that says which article a page follows
STEP = 5  # minutes; nobody can know it better
# By part; schema.org's educationalLevel too.
LEVELS = {
    "what-is-a-loss": "beginner",
    "first-losses": "beginner",
    "training": "beginner",
    "guide": "intermediate",
    "losses": "intermediate",
    "practice": "intermediate",
    "beyond": "advanced",
}
SAID = {"beginner": "Level: beginner", "intermediate": "Level: intermediate", "advanced": "Level: advanced"}


def part_of(docname: str) -> str:
    """The part that a page belongs to, by its folder; a page that only looks things up belongs to none."""
    return docname.removeprefix(f"book/{language_folder(docname)}/").rpartition("/")[0]


def minutes(page: list[Cell], language: str) -> int:
    """How long a page takes to read, its code included."""
    texts = [text for cell in page if cell.kind == "markdown" for text in cell_words(cell)]
    texts += [cell.source for cell in page if cell.kind == "code" and not cell.generated]
    words = sum(len(WORD.findall(text)) for text in texts)
    return max(STEP, STEP * round(words / LANGUAGES[language].words_a_minute / STEP))


class ArticleLast(SphinxTransform):
    """Move the note about the article to the end: it is not for the learner, who comes first."""

    default_priority = 590  # footnotes are numbered after it, in the order of the page

    def apply(self, **kwargs) -> None:
        """Called by Sphinx for each page."""
        path = self.env.doc2path(self.env.docname)
        if language_folder(self.env.docname) is None or not path.endswith(".ipynb"):
            return
        ids = [cell.id for cell in cells(path)]
        for note in [note for note in self.document.findall(Note) if ids[cell_number(note)] == ARTICLE]:
            note.parent.remove(note)
            list(self.document.findall(nodes.section))[-1].append(note)


class SayForWhom(SphinxPostTransform):
    """Put level and reading time below the title."""

    default_priority = 15  # as the explorers
    formats = ("html",)

    def run(self, **kwargs) -> None:
        """Called by Sphinx for each page."""
        docname, path = self.env.docname, self.env.doc2path(self.env.docname)
        language, level = speak(self.app, docname), LEVELS.get(part_of(docname))
        title = self.document.next_node(nodes.title)
        if level is None or not path.endswith(".ipynb") or title is None:
            return
        time = _("about %(minutes)s minutes to read") % {"minutes": minutes(cells(path), language)}
        html = f'<div class="about site-only">{escape(_(SAID[level]))} · {escape(time)}</div>'
        title.parent.insert(1, nodes.raw("", html, format="html"))


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_transform(ArticleLast)
    app.add_post_transform(SayForWhom)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
