"""What search engines and chats show of a page: a description, a card with its own picture, its place in the book.

Open Graph (https://ogp.me) requires whole addresses, of the page and of the picture, and schema.org's are names that
others refer to. So both are written only once html.baseurl in _config.yml says where the site is published.
"""

import base64
import hashlib
import io
import json
import re
from functools import cache
from pathlib import Path

from babel.core import get_global
from docutils import nodes
from PIL import Image, ImageOps
from sphinx.application import Sphinx

from book._ext.about import LEVELS, part_of
from book._ext.addresses import base
from book._ext.pages import cells, language_folder
from book._ext.plaintext import line
from tools.book import LANGUAGES, REFERENCE, Cell

LICENSE = "https://creativecommons.org/licenses/by/4.0/"  # LICENSE-prose
SHOWN = 160  # characters of a description; search engines cut longer ones
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")
CARD, MARGIN = (1200, 630), 24  # pixels; other shapes are cropped by one chat or another
COLORS = 64


def describe(doctree: nodes.document) -> str:
    """The first paragraph, as much as a search engine shows."""
    return whole_sentences(next(filter(None, map(line, doctree.findall(nodes.paragraph))), ""))


def whole_sentences(text: str) -> str:
    """As many sentences from the beginning of a text as a search engine shows."""
    ends = [match.start() for match in SENTENCE_END.finditer(text)] + [len(text)]
    if fitting := [end for end in ends if end <= SHOWN]:
        return text[: fitting[-1]]
    cut = text[:SHOWN]
    return (cut[: cut.rfind(" ")] if " " in cut[SHOWN // 2 :] else cut).rstrip(" ,;:，；：、") + "…"


def pictured(app: Sphinx, docname: str) -> Cell | None:
    """The first cell of a page that drew something."""
    path = app.env.doc2path(docname)
    if language_folder(docname) is None or not path.endswith(".ipynb"):
        return None
    return next((cell for cell in cells(path) if png(cell)), None)


def png(cell: Cell) -> str:
    """The picture that a cell stores, in base64."""
    return next(("".join(data["image/png"]) for o in cell.outputs if "image/png" in (data := o.get("data", {}))), "")


@cache  # of pages that draw nothing, all show the same
def card(stored: str) -> bytes:
    """A picture in the middle of a white card, which no chat crops."""
    image = Image.open(io.BytesIO(base64.b64decode(stored))).convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    image = ImageOps.contain(image, (CARD[0] - 2 * MARGIN, CARD[1] - 2 * MARGIN), Image.Resampling.LANCZOS)
    whole = Image.new("RGB", CARD, "white")
    whole.paste(image, ((CARD[0] - image.width) // 2, (CARD[1] - image.height) // 2))
    file = io.BytesIO()
    whole.quantize(COLORS, dither=Image.Dither.NONE).save(file, "png", optimize=True)
    return file.getvalue()


def picture(app: Sphinx, docname: str) -> dict[str, str]:
    """Write the card of a page and return its address and alt text. A page that draws nothing shows its language's first."""
    language = language_folder(docname) or REFERENCE
    book = (other for other in app.builder.relations if language_folder(other) == language)  # in reading order
    cell = next(filter(None, (pictured(app, name) for name in (docname, *book))), None)
    if cell is None:
        return {}
    drawn = card(png(cell))
    # Chats keep a picture for as long as its address stays the same.
    name = f"_images/card-{hashlib.sha256(drawn).hexdigest()[:12]}.png"
    file = Path(app.outdir, name)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(drawn)
    return {"address": base(app) + name, "alt": cell.alt}


def structured(app: Sphinx, docname: str, context: dict, image: dict[str, str]) -> dict:
    """The page in schema.org's words: what it is, its language, its level, the book it is part of, what it translates."""
    folder, address = context["folder"], context["address"]
    home = docname == context["home"]
    teaches = app.env.doc2path(docname).endswith(".ipynb") or home
    data = {
        "@context": "https://schema.org",
        "@type": ["Book" if home else "Chapter", *(["LearningResource"] if teaches else [])],
        "@id": address(docname),
        "url": address(docname),
        "name": context["docstitle"] if home else line(app.env.titles[docname]),
        "description": context["description"],
        "inLanguage": LANGUAGES[folder].html,
        "license": LICENSE,
        "isAccessibleForFree": True,
    }
    if image:
        data["image"] = image["address"]
    if level := LEVELS.get(part_of(docname)):
        data["educationalLevel"] = level
    if not home:
        data["isPartOf"] = {"@type": "Book", "@id": address(context["home"]), "name": context["docstitle"]}
    if folder != REFERENCE and REFERENCE in context["editions"]:
        data["translationOfWork"] = {"@id": address(context["editions"][REFERENCE])}
    return data


def territory(language: str) -> str:
    """A language as Open Graph names it, with the country that most of its readers live in: vi_VN."""
    code, *_, country = get_global("likely_subtags")[language].split("_")
    return f"{code}_{country}"


def fill_head(app: Sphinx, docname: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Tell the template what the page is about."""
    if doctree is None:
        return
    context["description"] = describe(doctree)
    if not base(app):
        return
    image = picture(app, docname)
    context["card"] = {
        "og:type": "website" if docname == context["home"] else "article",
        "og:title": line(app.env.titles[docname]),
        "og:description": context["description"],
        "og:url": context["address"](docname),
        "og:site_name": context["docstitle"],
        "og:locale": territory(context["folder"] or REFERENCE),
    }
    if image:
        width, height = CARD
        context["card"] |= {"og:image": image["address"], "og:image:alt": image["alt"]}
        context["card"] |= {"og:image:width": str(width), "og:image:height": str(height)}
    if context["folder"]:
        text = json.dumps(structured(app, docname, context, image), ensure_ascii=False)
        context["structured"] = text.replace("<", "\\u003c")  # nothing in it ends the script


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.connect("html-page-context", fill_head, priority=300)  # after languages and addresses
    return {"parallel_read_safe": True, "parallel_write_safe": True}
