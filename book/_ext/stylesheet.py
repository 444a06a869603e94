"""After the build: one stylesheet with the rules the pages use, icon fonts with the glyphs they use, no idle files.

The theme brings 500 KiB of styles and 300 KiB of icons for any book; this one needs a tenth. Without this extension
the site is the same, only slower. A build whose pages use no other names than the last keeps its stylesheet and fonts.
"""

import logging
import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from posixpath import normpath

import tinycss2
from sphinx.application import Sphinx

SHEET = re.compile(r'\s*<link rel="stylesheet"[^>]*?href="[./]*_static/([^"?]+\.css)[^>]*>')
ASSET = re.compile(r'="[./]*_static/([^"?#]+)')
URL = re.compile(r"url\(['\"]?([^'\")?#:]+)[^)]*\)")
OLD_FONTS = re.compile(r", ?url\([^)]+\.(?:woff|ttf)[^)]*\) ?format\([^)]+\)")
ICON = re.compile("[\ue000-\uf8ff]")
ICON_FONTS = "vendor/fontawesome/webfonts/"


def names_in_use(pages: list[str], scripts: list[str]) -> set[str]:
    """Collect what selectors may name: tags, classes and ids of the pages, and every word of the scripts."""
    used = {"mark"}  # the search's: words found
    for page in pages:
        used.update(re.findall(r"<([a-z][a-z0-9]*)", page))
        for value in {*re.findall('class="([^"]*)"', page), *re.findall('id="([^"]*)"', page)}:
            used.update(value.split())
    for script in scripts:
        used.update(re.findall(r"[\w-]+", script))
    return used


def can_match(selector: list, used: set[str]) -> bool:
    """True if every tag, class and id of a selector is in use. Arguments, as in :not(.x), are ignored."""
    pseudo = False
    for token in selector:
        if token.type in ("ident", "hash") and not pseudo and token.value not in used:
            return False
        pseudo = token.type == "literal" and token.value == ":"
    return True


def purge(rules: list, used: set[str]) -> str:
    """The rules that can match something, as CSS."""
    css = []
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors: list[list] = [[]]
            for token in rule.prelude:
                if token.type == "literal" and token.value == ",":
                    selectors.append([])
                else:
                    selectors[-1].append(token)
            kept = [tinycss2.serialize(s).strip() for s in selectors if can_match(s, used)]
            if kept:
                css.append(f"{','.join(kept)}{{{tinycss2.serialize(rule.content).strip()}}}")
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports", "container", "layer"):
            inner = purge(tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True), used)
            if inner:
                css.append(f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inner}}}")
        elif rule.type == "at-rule" and rule.content is not None:  # @font-face, @keyframes, @page
            css.append(rule.serialize())
    return "".join(css)


def words_of(sheets: Iterable[str]) -> set[str]:
    """Every word that may be a name in a selector."""
    return {word.replace("\\", "") for text in sheets for word in re.findall(r"(?:[\w-]|\\.)+", text)}


def used_rules(sheets: dict[str, str], used: set[str]) -> str:
    """The used rules of all sheets, with addresses as seen from _static/."""
    css = ""
    for sheet, text in sheets.items():
        rules = tinycss2.parse_stylesheet(OLD_FONTS.sub("", text), skip_comments=True, skip_whitespace=True)
        folder = Path(sheet).parent.as_posix()
        css += URL.sub(lambda url, folder=folder: f"url({normpath(f'{folder}/{url[1]}')})", purge(rules, used))
    # The icon fonts move out of the theme's folder, which every build copies anew.
    return re.sub(r"\s+", " ", css).replace(f"url({ICON_FONTS}", "url(")


def subset_icons(static: Path, icons: list[int]) -> None:
    """Store the icon fonts beside the stylesheet, with these icons' glyphs alone."""
    from fontTools.subset import Options, Subsetter  # half a second, which most builds need not spend
    from fontTools.ttLib import TTFont

    logging.getLogger("fontTools").setLevel(logging.WARNING)  # Sphinx would print its many notes
    for font in static.glob(f"{ICON_FONTS}*.woff2"):
        with TTFont(font, recalcTimestamp=False) as glyphs:
            options = Options()
            options.layout_features = []
            subsetter = Subsetter(options)
            subsetter.populate(unicodes=icons)
            subsetter.subset(glyphs)
            glyphs.flavor = "woff2"
            glyphs.save(static / font.name)


def write_stylesheet(app: Sphinx, exception: Exception | None) -> None:
    """Rewrite the built pages' stylesheet links, then drop the files nothing leads to."""
    if exception or app.builder.name != "html":
        return
    static = Path(app.outdir, "_static")
    pages = {path: path.read_text(encoding="utf-8") for path in Path(app.outdir).rglob("*.html")}
    heads = (page[: page.index("</head>")] for page in pages.values())
    sheets = list(dict.fromkeys(sheet for head in heads for sheet in SHEET.findall(head) if sheet != "site.css"))
    if not sheets:  # no page was written anew
        return
    scripts = {name for page in pages.values() for name in ASSET.findall(page) if name.endswith(".js")}
    used = names_in_use(list(pages.values()), [(static / name).read_text(encoding="utf-8") for name in sorted(scripts)])
    texts = {sheet: (static / sheet).read_text(encoding="utf-8") for sheet in sheets}
    used &= words_of(texts.values())
    source = f"/* {sha256(repr((texts, sorted(used))).encode()).hexdigest()} */"
    last = static / "site.css"
    css = last.read_text(encoding="utf-8") if last.exists() else ""
    if not css.startswith(source):
        css = source + used_rules(texts, used)
        last.write_text(css, encoding="utf-8")
        subset_icons(static, [ord(icon) for icon in ICON.findall(css)])
    for path, page in pages.items():
        first = SHEET.search(page)
        if first:
            up = "../" * (len(path.relative_to(app.outdir).parts) - 1)
            link = f'\n  <link rel="stylesheet" href="{up}_static/site.css">'
            page = SHEET.sub("", page[: first.start()] + "\0" + page[first.end() :]).replace("\0", link)
            path.write_text(page, encoding="utf-8")
    needed = {
        "site.css",
        *scripts,
        *URL.findall(css),
        *(name for page in pages.values() for name in ASSET.findall(page)),
    }
    for path in sorted(static.rglob("*"), reverse=True):  # what a folder holds comes before the folder
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.name != "LICENSE" and path.relative_to(static).as_posix() not in needed - set(sheets):
            path.unlink()


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.connect("build-finished", write_stylesheet, priority=800)  # after the theme has written its own files
    return {"parallel_read_safe": True, "parallel_write_safe": True}
