"""Whether the prose keeps the rules of its language and the words of the glossary.

The rules stand in book/languages.yml (lint) and book/glossary.yml (terms).
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

import py3langid
from babel.messages.pofile import read_po

from tools.book import LANGUAGES, REFERENCE, ROOT, Page, read_data
from tools.book.words import HIDDEN, cell_words, message_words, paragraphs

PASSED = "The prose keeps the rules of its languages and the words of the glossary."
TERMS: list[dict] = sorted(  # longer ones first: "loss function" is not an instance of "loss"
    read_data("glossary")["terms"], key=lambda term: -len(term["en"])
)
HAN = "[一-鿿]"
LONG_ENOUGH = 40  # letters; the language of fewer is a guess
CERTAIN = 0.95
ARGUMENTS = {"probabilities", "target", "targets"}  # names of arguments, in the texts of errors


def faults(page: Page, english: Page | None = None) -> list[str]:
    """A sentence for each fault of a page; with the English page, also for terms that were not rendered."""
    references = {cell.id: cell_words(cell) for cell in english.cells} if english else {}
    found: list[str] = []
    for cell in page.cells:
        if cell.translatable != unicodedata.normalize("NFC", cell.translatable):
            found.append(f"{cell.where} is not in Unicode's composed form, so search misses words. Save it as NFC.")
        if cell.kind == "markdown" and (match := re.search(r"\S*[ \t]+$", cell.source, re.MULTILINE)):
            found.append(f"{cell.where}: blanks end the line after “{match[0].strip()}”. Remove them.")
        found += text_faults(cell.where, cell_words(cell), page.language, references.get(cell.id, []))
    return found


def text_faults(where: str, words: list[str], language: str, english: Collection[str] = ()) -> list[str]:
    """A sentence for each fault in paragraphs of words; ``english`` are the paragraphs they were made from."""
    words = [unicodedata.normalize("NFC", text) for text in words]
    left = [text for text in words if language != REFERENCE and text in english and _is_english(text, language)]
    found = [f"“{_short(text)}” is left in English. Translate it, or mark a quotation with <q>…</q>." for text in left]
    found += [fault for text in words if text not in left for fault in _paragraph_faults(text, language)]
    if language != REFERENCE and not left:
        found += _missing_terms(" ".join(words), " ".join(english), language)
    return [f"{where}: {fault}" for fault in found]


def _is_english(text: str, language: str) -> bool:
    """Whether a text that is the same in both languages is more than names, and words that both have."""
    kept = " ".join(f"{term[language]} {term.get('introduced', {}).get(language, '')}" for term in TERMS)
    words = re.findall(r"\b[A-Za-z]{2,}\b", text)
    return len(words) > 1 and any(word.islower() for word in set(words) - set(re.findall(r"\w+", kept)))


def _paragraph_faults(text: str, language: str) -> Iterator[str]:
    for rule in rules(language):
        for match in matches(rule, text):
            yield f"{_quote(match)}: {rule['mend']}."
    plain = " ".join(_gloss().sub(lambda gloss: HIDDEN * len(gloss[0]), text).split())
    reported: set[int] = set()
    for term, pattern in forbidden(language):
        for match in pattern.finditer(plain):
            if reported.isdisjoint(range(*match.span())):
                reported.update(range(*match.span()))
                yield (
                    f"{_quote(match)} is no word for “{term['en']}” here: write “{term[language]}”, or mark a "
                    "quotation with <q>…</q> (book/glossary.yml)."
                )
    if other := other_language(text, language):
        yield (
            f"“{_short(text)}” reads as {LANGUAGES[other].name}; the page is in {LANGUAGES[language].name}. "
            "Translate it, or mark a quotation with <q>…</q>."
        )


@cache
def forbidden(language: str) -> list[tuple[dict, re.Pattern]]:
    """The renderings that must not occur in a language, each with its term."""
    return [
        (term, re.compile(pattern, re.IGNORECASE))
        for term in TERMS
        for pattern in term.get("forbidden", {}).get(language, [])
    ]


@cache
def rules(language: str) -> list[dict]:
    """The lint rows of a language, those it shares included."""
    rows = []
    for row in LANGUAGES[language].lint:
        rows += row if isinstance(row, list) else [row]
    return rows


def matches(rule: dict, text: str) -> Iterator[re.Match]:
    """Where a text breaks a rule."""
    if "pattern" in rule:
        yield from re.finditer(rule["pattern"], text, re.MULTILINE)
        return
    for match in re.finditer(HAN, text):
        try:
            match[0].encode(rule["charset"])
        except UnicodeEncodeError:
            yield match


def _missing_terms(words: str, english: str, language: str) -> Iterator[str]:
    words = " ".join(words.lower().split())
    for term in TERMS:
        found = english_form(term).search(english)
        english = english_form(term).sub(HIDDEN, english)
        accepted = [term[language], *term.get("also", {}).get(language, [])]
        if found and term.get("required") and not any(form.lower() in words for form in accepted):
            yield (
                f"English says “{found[0]}”, the translation has none of “{'”, “'.join(accepted)}”. "
                "Use the rendering of book/glossary.yml, or add a form it accepts there under `also`."
            )


@cache
def _english_form(forms: tuple[str, ...]) -> re.Pattern:
    endings = [("y", "(?:y|ies)"), ("ix", "(?:ix|ices)"), ("ex", "(?:ex|ices|exes)"), ("", "(?:s|es)?")]
    patterns = []
    for form in forms:
        ending, plural = next(pair for pair in endings if form.endswith(pair[0]))
        stem = re.escape(form.removesuffix(ending)).replace(r"\-", r"[-\s]?").replace(r"\ ", r"[-\s]")
        patterns.append(stem + plural)
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b", re.IGNORECASE)


def english_form(term: dict) -> re.Pattern:
    """What means the term in English, singular and plural."""
    name = re.sub(r" \(.*\)$", "", term["en"])  # "line (of a graph)"
    return _english_form((name, *term.get("also", {}).get(REFERENCE, [])))


@cache
def _gloss() -> re.Pattern:
    """English in parentheses after a rendering: (loss function), （mean squared error, MSE）."""
    item = rf"(?:(?i:{'|'.join(english_form(term).pattern for term in TERMS)})|\b[A-Z][A-Z0-9-]*\b)"
    return re.compile(rf"[(（]{item}(?:[,;/ ]+{item})*[)）]")


def other_language(text: str, language: str) -> str | None:
    """The language a text is in when it is surely not the expected one."""
    text = re.sub(rf"[\d_{HIDDEN}#]|\b\w*[A-Z]\w*[A-Z]\w*\b", " ", text)
    if len(re.findall(r"[^\W_]", text)) < (LONG_ENOUGH if not re.search(HAN, text) else LONG_ENOUGH / 4):
        return None
    guess, confidence = _identifier().classify(text)
    return guess if guess != language and confidence > CERTAIN else None


@cache
def _identifier() -> py3langid.langid.LanguageIdentifier:
    identifier = py3langid.langid.LanguageIdentifier.from_model_file(py3langid.langid.MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(LANGUAGES))
    return identifier


def _quote(match: re.Match) -> str:
    before = match.string[max(0, match.start() - 30) : match.start()]
    after = match.string[match.end() : match.end() + 30]
    return f"“{match[0].strip() or match[0]}” in “{' '.join((before + match[0] + after).split())}”"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 80 else text[:79] + "…"


def interface_texts(root: Path = ROOT) -> dict[tuple[str, str], dict[str, str]]:
    """The texts of the site and of the package: by place and English text, the text in each language."""
    texts = {
        ("book/strings.yml", str(key)): {REFERENCE: str(key), **row} for key, row in read_data("strings", root).items()
    }
    for path in sorted(root.glob("lossbook/locale/*/LC_MESSAGES/lossbook.po")):
        with path.open("rb") as file:
            for message in read_po(file):
                if message.id:
                    row = texts.setdefault(("lossbook/locale", message.id), {REFERENCE: message.id})
                    row[path.parent.parent.name] = message.string
    return texts


def interface_faults(root: Path = ROOT) -> list[str]:
    """The faults of the texts of the site and of the package."""
    found = []
    for (place, key), texts in interface_texts(root).items():
        for language, text in texts.items():
            if text:  # that none is missing is the business of the catalogues' own check
                names = set(re.findall(r"[a-z_]+", text)) & ARGUMENTS  # a translation keeps them: they are no words
                english = [re.sub(rf"\b(?:{'|'.join(names)})\b" if names else "$^", HIDDEN, message_words(key))]
                where = f"{place}, “{_short(key)}” ({language})"
                found += text_faults(where, [message_words(text)], language, english)
    return found


def document_faults(root: Path = ROOT) -> list[str]:
    """The faults of the project's own documents: README.md is in English, README.vi.md in Vietnamese."""
    found = []
    for path in sorted(root.glob("*.md")):
        language = path.suffixes[0].removeprefix(".") if len(path.suffixes) > 1 else REFERENCE
        found += text_faults(path.name, paragraphs(path.read_text(encoding="utf-8")), language)
    return found


def check(page: Page, english: Page | None) -> list[str]:
    """The faults of a page."""
    return faults(page, english)


def check_book(root: Path) -> list[str]:
    """The faults of what is read beside the pages."""
    return interface_faults(root) + document_faults(root)
