"""Bibliography, glossary, fact-check, articles: that the data is whole, and what the site makes of it."""

import ast
import inspect
import pydoc
import re
from collections import Counter

import pytest
from pybtex.database import parse_string

import lossbook
from book._ext import api, claims, glossary
from book._ext.references import Style
from tests.book.small_pages import code, markdown, page_of
from tests.site.pages import CONFIG, STRINGS, SmallBook, data
from tools.book import LANGUAGES, REFERENCE, ROOT, Cell, Page, bibliography, pages, read_data
from tools.book.works import ARTICLE, cited, short

BIBLIOGRAPHY = bibliography().entries
LINK = re.compile(r"\[([^\]]*)\]\(([^)]*)\)")
ARTICLES = read_data("articles")
CLAIMS = read_data("claims")
TERMS = read_data("glossary")["terms"]


# ---- references ------------------------------------------------------------------------------------------------------


def citations(cell: Cell) -> list[tuple[str, str]]:
    """The works that a cell cites, each with the words of the link."""
    return [(key, words) for words, href in LINK.findall(cell.source) if (key := cited(href))]


def citation_faults(page: Page) -> list[str]:
    """Works that are not known, and citations that do not name author and year as the bibliography has them."""
    others = interface_text("et al.", page.language)
    faults = []
    for cell in page.cells if page.path.suffix == ".ipynb" else []:
        for key, words in citations(cell):
            if key not in BIBLIOGRAPHY:
                faults.append(f"{cell.where} cites {key}, which book/references.bib has not.")
            elif not ARTICLE.fullmatch(key) and words != short(BIBLIOGRAPHY[key], others):
                faults.append(f"{cell.where} cites “{words}”: write “{short(BIBLIOGRAPHY[key], others)}”.")
    return faults


def interface_text(message: str, language: str) -> str:
    """A text of book/strings.yml."""
    return STRINGS[message].get(language, message)


def unused(entries, cited: set[str]) -> list[str]:
    """Entries that no page cites; the articles are listed anyway."""
    return [key for key in entries if key not in cited and not ARTICLE.fullmatch(key)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_citations_of_pages(language):
    assert [fault for page in pages(language).values() for fault in citation_faults(page)] == []


def test_citation_faults_are_found():
    fast = "https://arxiv.org/abs/1504.08083"
    assert citation_faults(page_of(f"A ([Girshick 2015]({fast})), [an article](../references.md#article000).")) == []
    assert len(citation_faults(page_of(f"([Girshick 2016]({fast}))"))) == 1
    assert len(citation_faults(page_of("([Nobody 1999](../references.md#nobody1999nothing))"))) == 1


def test_every_entry_is_cited():
    cited = {key for page in pages(REFERENCE).values() for cell in page.cells for key, _ in citations(cell)}
    assert unused(BIBLIOGRAPHY, cited) == []
    assert unused(["a", "b", "article000"], {"a"}) == ["b"]


def test_articles_stand_in_the_bibliography():
    assert [key for key in BIBLIOGRAPHY if ARTICLE.fullmatch(key)] == list(ARTICLES)
    for key, article in ARTICLES.items():
        assert BIBLIOGRAPHY[key].fields["title"] == article["title"]
        assert BIBLIOGRAPHY[key].fields["langid"] == article["language"]


ENTRY = r"""@article{one, title = {On {L1} and B\'ezier}, author = {Doe, Jane Q. and van Rijn, Ada and others}, year = 1999,
journal = {Journal}, pages = {1--7}, doi = {10.1/2}, url = {https://x.org}, langid = {pt}, origlanguage = {en}}"""


@pytest.mark.parametrize(
    ("language", "others", "told"),
    [
        ("en", "et al.", "In Portuguese, translated from English."),
        ("vi", "và cộng sự.", "Bằng tiếng Bồ Đào Nha, dịch từ tiếng Anh."),
        ("zh", "等.", "葡萄牙语, 译自英语."),
        ("pt", "e colaboradores.", "Em português, traduzido do inglês."),
    ],
)
def test_entry_in_the_language_of_the_page(language, others, told, monkeypatch):
    monkeypatch.setattr(Style, "language", language)
    monkeypatch.setattr("book._ext.languages.interface.texts", STRINGS)
    [entry] = parse_string(ENTRY, "bibtex").entries.values()
    assert str(Style().format_entry("", entry).text) == (
        f"Jane Q. Doe, Ada van Rijn {others} On L1 and Bézier. Journal, 1–7, 1999. {told} doi.org/10.1/2"
    )


# ---- glossary --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["accuracy", "L1 loss", "layer", "loss", "Loss function", "margin"]),
        ("vi", ["ăn", "ân", "ba", "bẫy", "da", "đa", "đo", "độ", "ô", "ơ", "u", "ư"]),
        ("zh", ["KL 散度", "logit", "标签", "熵", "损失", "损失函数", "梯度", "阈值", "正则化"]),  # biao, shang, sun …
        ("pt", ["acurácia", "alvo", "âncora", "camada", "critério", "época", "erro"]),
    ],
)
def test_order_of_words(language, words):
    assert sorted(reversed(words), key=lambda word: glossary.order(word, language)) == words


def test_every_chinese_term_has_its_place():
    """GB 2312 has 3755 characters by pinyin, up to lead byte D7; for a rarer one that begins a term, `like` has another."""
    rare = {term["zh"][0] for term in TERMS if term["zh"][0] > "一" and term["zh"][0].encode("gb2312")[0] > 0xD7}
    assert rare == LANGUAGES["zh"].sort["like"].keys()


def test_anchors_are_unique():
    assert max(Counter(map(glossary.anchor, TERMS)).values()) == 1
    assert glossary.anchor({"en": "KL divergence (of x)"}) == "term-kl-divergence-of-x"


def test_everyday_words_name_languages():
    assert {language for term in TERMS for language in term.get("everyday", [])} <= LANGUAGES.keys()


# ---- claims and articles ---------------------------------------------------------------------------------------------


def cells_that_exist(language: str = REFERENCE) -> set[str]:
    """Every cell of the book as the data names it."""
    return {f"{name}#{cell.id}" for name, page in pages(language).items() for cell in page.cells}


def lost_sections(articles: dict, claims: dict, cells: set[str]) -> list[str]:
    """Sections of the articles that no cell of the book mirrors."""
    mirrored = {(claim["article"], claim["section"]) for claim in claims.values() if claim.get("taught") in cells}
    return [
        f"{key}, {number}"
        for key, row in articles.items()
        for number in row["sections"]
        if (key, number) not in mirrored
    ]


def test_every_section_is_mirrored():
    counts = {key: len(row["sections"]) for key, row in ARTICLES.items()}
    assert counts == {"article000": 3, "article001": 20, "article002": 5, "article003": 19, "article004": 7}
    assert lost_sections(ARTICLES, CLAIMS, cells_that_exist()) == []


def test_lost_section_is_found():
    articles = {"a": {"sections": {"1": {}, "2": {}, "3": {}}}}
    rows = {"A-1": ("1", "page#cell"), "A-2": ("2", "page#gone"), "A-3": ("3", None)}
    planted = {key: {"article": "a", "section": number, "taught": to} for key, (number, to) in rows.items()}
    assert lost_sections(articles, planted, {"page#cell"}) == ["a, 2", "a, 3"]


def test_every_verdict_and_basis_has_words():
    assert {claim["verdict"] for claim in CLAIMS.values()} == claims.VERDICTS.keys()
    assert {claim["basis"] for claim in CLAIMS.values() if "basis" in claim} == claims.BASES.keys()


# ---- what the site makes of it: a small book -------------------------------------------------------------------------

PROSE = {
    "en": '# A loss function\n\nLosses and `softmax`, $\\text{softmax}$, [softmax](https://x.org), <q>softmax</q>, "softmax", then *Softmax*. '
    "The cross-entropy\nloss, cross-entropy, a non-tensor, supertensors, tensors, gradient\ndescent, the error ([Doe 等 1999](https://doi.org/10.1/2)).\n\n"
    "> **An optimizer**\n>\n> logits",
    "vi": "# Hàm\n\nHàm mất mát bộ ba là hàm mất mát. Giá trị mục tiêu và bias; phản tensor-x ([Doe 等 1999](https://doi.org/10.1/2)).",
    "zh": "# 梯度\n\n平滑 L1 损失是损失函数，用梯度下降求梯度。预测值（[Doe 等 1999](https://doi.org/10.1/2)）。",
    "pt": "# Perda\n\nOs tensores e as funções de perda; a função de perda e o gradiente ([Doe 等 1999](https://doi.org/10.1/2)).",
}
LINKED = {
    "en": ["Softmax", "cross-entropy", "tensors", "gradient descent", "logits"],
    "vi": ["Hàm mất mát bộ ba", "hàm mất mát", "bias"],
    "zh": ["平滑 L1 损失", "损失函数", "梯度下降", "梯度"],
    "pt": ["tensores", "função de perda", "gradiente"],
}
SMALL_ARTICLES = """
article001:
  prefix: ZA
  language: zh
  title: Pytorch损失函数指南
  translated: {en: A guide, vi: Cẩm nang, pt: Guia}
  sections:
    "1": {en: First, vi: Mục một, zh: 其一, pt: Primeira}
    "2": {en: Second, vi: Mục hai, zh: 其二, pt: Segunda}
"""
TEXT = "{en: 'The `x` is $x^2$, <q>so</q>.', vi: V, zh: 甲, pt: P}"
SMALL_CLAIMS = f"""
ZA-01: {{article: article001, section: "1", verdict: confirmed, claim: {{en: C}}, check: runs, taught: page#later}}
ZA-02: {{article: article001, section: "1", verdict: wrong, claim: {TEXT}, right: {TEXT}, check: [one, two], basis: text, taught: page#intro}}
ZA-03: {{article: article001, section: "2", verdict: caveat, claim: {{en: C}}, right: {{en: R}}, check: runs, taught: page#after}}
ZA-04: {{article: article001, section: "2", verdict: mistranslation, claim: {TEXT}, right: {TEXT}, basis: original, taught: glossary#term-loss}}
"""


def write_book(root) -> SmallBook:
    """A book of one page in each language, with the pages made of data."""
    book = SmallBook(root)
    book.write("book/articles.yml", SMALL_ARTICLES)
    book.write("book/claims.yml", SMALL_CLAIMS)
    book.write("book/references.bib", "@misc{article001, title = {Pytorch损失函数指南}, langid = {zh}}\n" + ENTRY)
    for language, prose in PROSE.items():
        book.write(f"book/{language}/index.md", "# Home\n\nsoftmax\n")
        book.write(f"book/{language}/glossary.md", "# G\n\n```{terms}\n```\n")
        book.write(
            f"book/{language}/references.md", "# R\n\n```{references} articles\n```\n\n```{references} works\n```\n"
        )
        book.write(f"book/{language}/facts.md", "# F\n\n```{fact-check}\n```\n")
        book.write(f"book/{language}/articles.md", "# A\n\n```{articles}\n```\n")
        end = "## $x$ and after\n\nText."
        cells = [markdown("intro", prose), markdown("after", end), code("later", "1", data(markdown="a softmax"))]
        book.notebook(
            f"book/{language}/page",
            *cells,
            markdown("see-also", "## Then\n\nOf [an article](references.md#article001)."),
        )
    return book


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    small = write_book(tmp_path_factory.mktemp("book"))
    run = small.build()
    assert run.returncode == 0, run.stderr
    return small


@pytest.mark.parametrize("language", LANGUAGES)
def test_first_uses_lead_to_the_glossary(book, language):
    page = book.page(f"book/{language}/page")
    links = page.soup.select("article a.term")
    assert [" ".join(link.get_text().split()) for link in links] == LINKED[language]
    ids = book.page(f"book/{language}/glossary").ids
    assert {link["href"].split("#")[0] for link in links} == {"glossary.html"}
    assert {link["href"].split("#")[1] for link in links} <= set(ids)
    assert book.page(f"book/{language}/index").soup.select("a.term") == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_glossary_lists_every_term(book, language):
    names = book.page(f"book/{language}/glossary").soup.select(".terms dt")
    assert {dt["id"]: dt.get_text() for dt in names} == {
        glossary.anchor(term): term[language].replace("`", "") for term in TERMS
    }
    others = [LANGUAGES[code].html for code in LANGUAGES if code != language]
    for dt in names:
        assert [span["lang"] for span in dt.find_next("dd").select("[lang]")] == others


@pytest.mark.parametrize("language", LANGUAGES)
def test_citation_is_a_footnote_and_listed(book, language):
    soup = book.page(f"book/{language}/page").soup
    note = soup.find(id=soup.select_one("a.footnote-reference")["href"].removeprefix("#"))
    entries = [item.get_text() for item in book.page(f"book/{language}/references").soup.select("article li")]
    assert entries[1] in note.get_text()
    assert soup.select_one("a[href='references.html#article001']").get_text() == "an article"
    assert book.page(f"book/{language}/references").soup.find(id="article001").get_text() == entries[0]
    assert "Doe" not in soup.article.p.get_text()
    assert not str(soup.select_one("a.footnote-reference").previous_sibling)[-1].isspace()
    assert len(entries) == 2


def test_fact_check(book):
    soup = book.page("book/en/facts").soup
    assert [row.get_text(" ", strip=True) for row in soup.select("tr")][0::9] == [
        "Verdict Pytorch损失函数指南 Total",
        "Total 4 4",
    ]
    claim, other = soup.select(".claim")
    assert claim["id"] == "za-02"
    assert claim.find_parent(id="article001-1").find(re.compile("h[1-6]")).get_text() == "First#"
    lines = [" ".join(line.get_text().split()) for line in claim.select("p")]
    assert lines[0] == "Wrong · ZA-02"
    assert lines[1].startswith("The article: The x is ")
    assert claim.q.get_text() == "so"
    assert len(claim.select(".katex")) == 2
    assert lines[3] == "Checked: the article itself shows it · one · two"
    assert lines[4] == "In this book: A loss function"
    assert claim.a["href"] == "page.html"
    assert other.a.get_text() == "G › loss"
    assert other.a["href"] == "glossary.html#term-loss"


@pytest.mark.parametrize(("language", "heads"), [("zh", ["1 其一", "2 其二"]), ("vi", ["1 Mục một", "2 Mục hai"])])
def test_articles(book, language, heads):
    page = book.page(f"book/{language}/articles")
    rows = [[cell.get_text(" ", strip=True) for cell in row.select("td")] for row in page.soup.select("tbody tr")]
    assert [row[0] for row in rows] == heads
    assert rows[0][2] == " · ".join(f"{page.text(words)} 1" for words in ("Confirmed", "Wrong"))
    first, second = page.soup.select("tbody a")
    assert first["href"] == "page.html"  # earlier on the page than where the first claim is taught
    assert second["href"].partition("#")[2] in book.page(f"book/{language}/page").ids
    assert "›" in second.get_text()
    assert second.select(".katex")


def test_lists_and_styles_follow_a_page_that_has_changed(tmp_path):
    """The lists show its new heading but are not read again; of the stylesheet, rules for what is new on it."""
    book = write_book(tmp_path)
    book.write("_config.yml", CONFIG)
    assert book.build().returncode == 0
    styles, lists = book.root / "_build/html/_static/site.css", book.root / "_build/.doctrees/book/en/articles.doctree"
    quotation, read = re.compile(r"[},]blockquote[{,]"), lists.stat().st_mtime
    assert not quotation.search(styles.read_text(encoding="utf-8"))
    book.notebook("book/en/page", markdown("intro", "# A loss function"), markdown("after", "## Renamed\n\n> Quoted"))
    assert book.build().returncode == 0
    shown = [link.get_text() for link in book.page("book/en/articles").soup.select("tbody a")]
    assert shown == ["A loss function", "A loss function › Renamed"]
    assert lists.stat().st_mtime == read
    assert quotation.search(styles.read_text(encoding="utf-8"))
    assert (styles.parent / "fa-solid-900.woff2").exists()


def test_untranslated_claim_stops_the_build(tmp_path):
    book = write_book(tmp_path)
    book.write("book/claims.yml", SMALL_CLAIMS.replace(", zh: 甲", ""))
    run = book.build()
    assert run.returncode != 0
    assert "in en, vi, pt, but book/zh/facts shows it in 简体中文. Translate it there." in run.stderr
    assert "Traceback" not in run.stderr


def test_address_of_no_cell_is_told(tmp_path):
    book = write_book(tmp_path)
    book.write(
        "book/claims.yml", SMALL_CLAIMS.replace("page#intro", "page#gone").replace("page#after", "nowhere#after")
    )
    run = book.build()
    assert run.returncode != 0
    assert "leads to 'gone' of book/vi/page, which the book does not have" in run.stderr
    assert "leads to 'after' of book/zh/nowhere" in run.stderr
    assert "Traceback" not in run.stderr


# ---- every public name -----------------------------------------------------------------------------------------------

DIRECTIVE = re.compile(r"^\.\. (?:auto|py:)(\w+):: ([\w.]+).*\n((?:   :.*\n)*)", re.MULTILINE)
DOORS = ("functional", "nn", "beyond", "catalogue", "softmax", "testing", "language", "pictures")


def named(language: str) -> list[str]:
    """The names that the page "the package lossbook" and those of the families below it print."""
    folder = ROOT / f"book/{language}"
    texts = [path.read_text(encoding="utf-8") for path in (folder / "api.md", *sorted(folder.glob("api/*.md")))]
    families = [family for text in texts for family in re.findall(r"^```{losses} (.+)$", text, re.MULTILINE)]
    names = [name for family in families for _, _, full in api.names(family) for name in full]
    for kind, name, options in DIRECTIVE.findall("\n".join(texts)):
        members = re.search(":members:(.*)", options)
        if kind != "module":
            names.append(name)
        else:
            few = members[1].split(", ") if members[1] else pydoc.locate(name).__all__
            names += [f"{name}.{member.strip()}" for member in few]
    return names


def public() -> list[str]:
    """Every public name of the package, and those that notebooks import."""
    names = [f"lossbook.{name}" for name in lossbook.__all__ if not inspect.ismodule(getattr(lossbook, name))]
    for door in DOORS:
        names += [f"lossbook.{door}.{name}" for name in pydoc.locate(f"lossbook.{door}").__all__]
    cells = [c for language in LANGUAGES for page in pages(language).values() for c in page.cells if c.kind == "code"]
    imports = [node for cell in cells for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.ImportFrom)]
    names += [f"{i.module}.{alias.name}" for i in imports if i.module.startswith("lossbook") for alias in i.names]
    return [name for name in dict.fromkeys(names) if not inspect.ismodule(pydoc.locate(name))]


def left_out(names: list[str], page: list[str]) -> list[str]:
    """Names of something that does not stand on the page, under this name or another one."""
    shown = {id(pydoc.locate(name)) for name in page}
    return [name for name in names if id(pydoc.locate(name)) not in shown]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_public_name_stands_on_the_page(language):
    page = named(language)
    assert left_out(public(), page) == []
    assert page == named(REFERENCE)
    assert len(page) == len(set(page)) > 80


def test_every_name_on_the_page_can_be_imported():
    assert [name for name in named(REFERENCE) if pydoc.locate(name) is None] == []


def test_a_name_left_out_is_found():
    page = [name for name in named(REFERENCE) if name not in ("lossbook.Explanation", "lossbook.functional.l1_loss")]
    assert left_out(public(), page) == ["lossbook.Explanation", "lossbook.functional.l1_loss"]
