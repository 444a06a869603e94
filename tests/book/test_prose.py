"""The prose keeps the rules of its language and the words of the glossary; every rule catches what it names."""

import unicodedata

import pytest

from tests.book.small_pages import alt, cell
from tools.book import LANGUAGES, REFERENCE, pages, read_data
from tools.book.words import cell_words, message_words, paragraphs
from tools.checks import prose
from tools.checks.__main__ import main
from tools.checks.prose import (
    TERMS,
    english_form,
    faults,
    forbidden,
    interface_faults,
    interface_texts,
    matches,
    rules,
    text_faults,
)

TRANSLATIONS = [language for language in LANGUAGES if language != REFERENCE]
RULES = [(language, rule) for language in LANGUAGES for rule in rules(language)]
STYLE = read_data("glossary")["style"]


# ---- the book


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_have_no_faults(language):
    english, found = pages(REFERENCE), []
    for name, here in pages(language).items():
        found += faults(here, english.get(name))
    assert len(pages(language)) >= 4
    assert found == []


def test_site_and_package_have_no_faults():
    languages = {language for texts in interface_texts().values() for language, text in texts.items() if text}
    assert languages == set(LANGUAGES)
    assert len(interface_texts()) > 100
    assert interface_faults() == []


def test_fault_of_site_and_package_is_found(tmp_path):
    catalogue = tmp_path / "lossbook/locale/zh/LC_MESSAGES/lossbook.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text('msgid ""\nmsgstr ""\n\nmsgid "the loss is {x}"\nmsgstr "亏损为{x}"\n', encoding="utf-8")
    (tmp_path / "book").mkdir()
    (tmp_path / "book/strings.yml").write_text("Search: {vi: Tìm kiếm , pt: Pesquisar ficheiros}", encoding="utf-8")
    found = interface_faults(tmp_path)
    assert [fault.split(":")[0] for fault in found] == [
        "book/strings.yml, “Search” (pt)",
        "lossbook/locale, “the loss is {x}” (zh)",  # no blank before the value
        "lossbook/locale, “the loss is {x}” (zh)",  # no word for the loss
    ]


def test_documents_have_no_faults(tmp_path):
    assert prose.document_faults() == []
    (tmp_path / "README.vi.md").write_text("Chúng tôi cộng.", encoding="utf-8")
    [fault] = prose.document_faults(tmp_path)
    assert fault.startswith("README.vi.md: “Chúng tôi”")


# ---- the rules of each language


def test_every_language_has_rules():
    assert min(len(rules(language)) for language in LANGUAGES) >= 15


@pytest.mark.parametrize(
    ("language", "rule"), RULES, ids=lambda value: value if isinstance(value, str) else value["bad"]
)
def test_rule_catches_its_bad_example_and_not_the_good_one(language, rule):
    assert sorted(rule.keys() - {"pattern", "charset"}) == ["bad", "good", "mend"]
    assert any(list(matches(rule, text)) for text in paragraphs(rule["bad"]))
    assert not any(list(matches(rule, text)) for text in paragraphs(rule["good"]))
    assert any(rule["mend"] in fault for fault in faults(cell(language, rule["bad"]).page))


@pytest.mark.parametrize("language", LANGUAGES)
def test_rules_of_style_keep_the_rules(language):
    examples = [row["good"] for row in STYLE[language] if "good" in row]
    assert examples
    assert [fault for text in examples for fault in text_faults("style", paragraphs(text), language)] == []


# ---- the glossary


def test_every_term_stands_in_every_language():
    assert len(TERMS) > 150
    assert len({term["en"] for term in TERMS}) == len(TERMS)
    assert [term["en"] for term in TERMS if not all(term.get(language) for language in LANGUAGES)] == []
    assert sum(term.get("required", False) for term in TERMS) > 90


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_forbidden_renderings_spare_the_right_ones(language):
    right = [
        form
        for term in TERMS
        for form in [
            term[language],
            term.get("introduced", {}).get(language, ""),
            *term.get("also", {}).get(language, []),
        ]
    ]
    assert len(forbidden(language)) > 150
    assert [(pattern, form) for _, pattern in forbidden(language) for form in right if pattern.search(form)] == []


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_renderings_keep_the_rules(language):
    renderings = [term[language] for term in TERMS]
    assert [fault for text in renderings for fault in text_faults(text, paragraphs(text), language)] == []


def test_terms_have_only_known_fields():
    fields = {
        *LANGUAGES,
        "definition",
        "page",
        "required",
        "everyday",
        "also",
        "apart",
        "introduced",
        "typed",
        "forbidden",
        "note",
    }
    assert [term["en"] for term in TERMS if term.keys() - fields] == []
    by_language = [
        term.get(field, {}) for term in TERMS for field in ("also", "apart", "introduced", "typed", "forbidden")
    ]
    assert {language for row in by_language for language in row} == set(LANGUAGES)


# ---- planted faults: (language, text, what the message says)


@pytest.mark.parametrize(
    ("language", "text", "message"),
    [
        ("vi", "Ta cộng chức năng mất mát lại.", "write “hàm mất mát”"),
        ("vi", "Ta cộng các chức năng\nmất mát lại.", "write “hàm mất mát”"),
        ("vi", "Ta cộng Chức Năng Mất Mát lại.", "write “hàm mất mát”"),
        ("zh", "沿渐变下降的方向走。", "write “梯度下降”"),
        ("zh", ":::{note} 关于渐变下降\n正文。\n:::", "write “梯度下降”"),
        ("zh", "<details><summary>渐变下降</summary>\n\n正文。\n\n</details>", "write “梯度下降”"),
        ("zh", "| 词 |\n| --- |\n| 渐变下降 |", "write “梯度下降”"),
        ("zh", "见 {doc}`渐变下降 <idea>`。", "write “梯度下降”"),
        ("zh", "```{figure} a.svg\n:alt: 渐变下降\n```", "write “梯度下降”"),
        ("pt", "Calculamos (o gráfico computacional).", "write “grafo computacional”"),
        ("pt", "A medida (o loss do lote) cai.", "write “perda”"),  # not an English term in parentheses
        ("pt", "O gráfico computacional tem seis nós.", "write “grafo computacional”"),
        ("pt", "![O gráfico computacional](figura.svg)", "write “grafo computacional”"),
        ("vi", unicodedata.normalize("NFD", "hàm mất mát"), "Unicode"),
        ("en", "The loss. \nThe end.", "blanks end the line"),
        ("vi", "The loss says, in one number, how wrong the prediction is.", "reads as English"),
        ("zh", "The loss says, in one number, how wrong the prediction is.", "reads as English"),
        ("pt", "Hàm mất mát cho biết phải sửa trọng số theo hướng nào.", "reads as Tiếng Việt"),
        ("en", "损失函数是模型训练的基础，没有它就无法训练模型。", "reads as 简体中文"),
        ("en", "A função de perda diz, em um número, o erro de cada previsão.", "reads as Português"),
    ],
)
def test_fault_is_found(language, text, message):
    [fault] = faults(cell(language, text).page)
    assert fault.startswith(f"book/{language}/page.ipynb, cell 'cell'")
    assert message in fault


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("vi", "Đừng viết <q>chức năng mất mát</q> nữa."),
        ("zh", "文章写作 <q>渐变下降</q>，其实是梯度下降。"),
        ("pt", "A época (epoch) e o minilote (minibatch)."),
        ("pt", "A entropia cruzada (Cross-Entropy, CE) cai."),
        ("vi", "Gọi `chức năng mất`, rồi\n\n```\nchức năng mất mát\n```"),
        ("zh", "<details><summary><q>渐变下降</q></summary>\n\n正文。\n\n</details>"),
        ("zh", "```{math}\n\\text{渐变下降}\n```"),
        ("zh", "见 <https://example.org/渐变下降> 与 [PyTorch](https://example.org/梯度,b)。"),
        ("zh", "令 $\\text{损失}=1$，则 $x$ 的形状为 (3, 5)、($n$, 5)。"),
        ("en", 'Take `-1`, `"a"` and $-1$; see {doc}`the loss <idea>`.'),
    ],
)
def test_code_formulas_addresses_quotations_and_glosses_are_not_prose(language, text):
    assert faults(cell(language, text).page) == []


def test_code_cells_are_read():
    code = '# chức năng mất\nprint(f"chức năng mất: {loss:.2f}", "none")'
    found = faults(cell("vi", code, "code", **alt("Đồ thị của chức năng mất")).page)
    assert len(found) == 3
    assert cell_words(cell("vi", code, "code")) == ["chức năng mất", "chức năng mất: □"]


def test_message_words():
    assert message_words("with %s, {x} and  softmax(z): y == 1") == "with □, □ and □: y □ 1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Build it: {caller}({name}(), …).", "Build it: □."),
        ("Write explain('l1', torch.tensor([1.0, (2.0)]), dim=0) or 'lossbook list'.", "Write □ or □."),
        ("shape (N, C, d1, …), ax=….", "shape □, □"),
        ("leave out .item() and .svg", "leave out □ and □"),
        ("write 2,3,4 and not 2,3", "write □ and not 2,3"),
        ("the reader's loss, the losses' sum", "the reader's loss, the losses' sum"),
        ("a class (C) of words (three)", "a class (C) of words (three)"),
    ],
)
def test_code_in_an_error_is_no_prose(text, words):
    assert message_words(text) == words


# ---- planted faults of translation


@pytest.mark.parametrize(
    ("language", "english", "translation", "message"),
    [
        ("zh", "The gradient is zero.", "斜率为 0。", "English says “gradient”, the translation has none of “梯度”"),
        ("pt", "Two losses.", "Dois prejuízos.", "English says “losses”, the translation has none of “perda”"),
        ("vi", "The probabilities.", "Khả năng của mỗi lớp.", "English says “probabilities”"),
        ("pt", "Jacobian matrices.", "Matrizes de derivadas.", "English says “Jacobian matrices”"),
        ("zh", "Loss functions.", "这些函数。", "English says “Loss functions”"),
        ("vi", "## By hand", "## By hand", "is left in English"),
    ],
)
def test_fault_of_translation_is_found(language, english, translation, message):
    [fault] = faults(cell(language, translation).page, cell("en", english).page)
    assert message in fault


@pytest.mark.parametrize(
    ("language", "english", "translation"),
    [
        ("zh", "The loss functions.", "这些损失函数。"),  # the longer term, not also the shorter one
        ("vi", "The cross-entropy loss.", "Mất mát entropy chéo."),  # accepted forms
        ("pt", "The `gradient` of `loss`.", "O `gradient` de `loss`."),  # names in code are not terms
        ("pt", "Softmax, logit", "Softmax, logit"),  # the same words in both languages
        ("pt", "PyTorch, NumPy", "PyTorch, NumPy"),  # names
        ("zh", "A trade-off.", "权衡。"),
        ("zh", "The default value.", "不设置时就是它。"),  # not every term is required
    ],
)
def test_good_translation_has_no_fault(language, english, translation):
    assert faults(cell(language, translation).page, cell("en", english).page) == []


def test_english_form_knows_plurals():
    terms = {term["en"]: english_form(term) for term in TERMS}
    for term, text in [
        ("loss", "Losses"),
        ("probability", "probabilities"),
        ("class number", "class numbers"),
        ("cross-entropy", "cross entropy"),
        ("dataset", "data sets"),
        ("line (of a graph)", "line"),
    ]:
        assert terms[term].fullmatch(text)
    assert not terms["loss"].search("glossary lossless")


def test_command_exits_1_on_a_fault(tmp_path, capsys):
    path = tmp_path / "book/vi/new.md"
    path.parent.mkdir(parents=True)
    path.write_text("# Sách\n\nChúng tôi cộng.\n", encoding="utf-8")
    assert main(["prose", str(path)]) == 1
    assert "book/vi/new.md, cell 'page': “Chúng tôi”" in capsys.readouterr().out
    path.write_text("# Sách\n\nTa cộng.\n", encoding="utf-8")
    assert main(["prose", str(path)]) == 0
