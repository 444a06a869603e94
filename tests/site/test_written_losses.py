"""Losses that readers write in the page: the judgment of the notebook's `verify`, in its words, by MicroPython."""

import gzip
import json
import re

import pytest

import lossbook
from lossbook.lessons.exercises import EXERCISES
from lossbook.lessons.exercises.loss_judgment import answer
from lossbook.lessons.exercises.written_loss import WrittenLoss
from tests.package.plain_losses import RIGHT
from tests.site.browser import violations, wider_than_screen
from tests.site.pages import WebPage
from tools.book import LANGUAGES, contents

WRITTEN = {name: each.key for name, each in EXERCISES.items() if isinstance(each, WrittenLoss) and each.key}
IN_MICROPYTHON = """async ([interpreter, files, requests]) => {
    const { loadMicroPython } = await import(new URL(interpreter, document.baseURI).href);
    const micropython = await loadMicroPython({ heapsize: 8 << 20 });
    for (const [name, address] of files) micropython.FS.writeFile(`/${name}.py`, await (await fetch(address)).text());
    const judgment = micropython.pyimport("asked");
    return requests.map((request) => judgment.answer(request));
}"""


def page_of(exercise, language="en"):
    """The page that asks."""
    pages = [WebPage(docname) for _, docname in contents() if docname.startswith(f"book/{language}/")]
    return next(page for page in pages if f'data-exercise="{exercise}"' in page.html)


def form_of(tab, exercise, language="en"):
    """The editor of an exercise, on its page."""
    tab.goto(f"{page_of(exercise, language).docname}.html")
    return tab.locator(f"form.answer[data-exercise={exercise}]")


def said(tab, form, source):
    """What the page answers to a definition."""
    form.locator("output").evaluate("output => { output.value = ''; }")
    form.locator("textarea").fill(source)
    form.locator("button").click()
    tab.wait_for_function("output => output.value", arg=form.locator("output").element_handle())
    return form.locator("output").evaluate("output => output.value")


def requests(exercise, sources):
    """What the page's script asks."""
    data = WRITTEN[exercise].data()
    return [json.dumps({"given": source, "exercise": data}) for source in sources]


def in_a_row(name, numbers):
    """A function that gives these numbers, call by call."""
    return f"row = iter({numbers!r})\n\ndef {name}(*given, **settings):\n    return next(row)\n"


def slipped(exercise):
    """For each slip a function that gives what it gives, and what is to be said. Where it gives no number, nothing is said."""
    key = WRITTEN[exercise]
    for slip in key.data()["slips"]:
        numbers = [right if gives is None else gives for gives, right in zip(slip["gives"], key.rights, strict=True)]
        yield in_a_row(f"my_{key.like}", numbers), slip["says"]


@pytest.mark.parametrize("exercise", RIGHT)
def test_a_right_loss_is_right_in_the_page(reader, exercise):
    tab = reader()
    form = form_of(tab, exercise)
    assert form.locator("textarea").input_value() == WRITTEN[exercise].data()["source"]
    name = f"my_{WRITTEN[exercise].like}"
    assert said(tab, form, RIGHT[exercise]) == f"Right. {name} agrees with {WRITTEN[exercise].like}."
    assert form.get_attribute("data-right") == "true"
    assert tab.faults == []


def test_every_slip_says_its_diagnosis(reader):
    """In MicroPython, and the same in Python."""
    tab = reader()
    form = form_of(tab, "write-huber")
    names = {"asked": "python", "working": "working", "number": "number"}
    files = [[name, form.get_attribute(f"data-{asset}")] for name, asset in names.items()]
    for exercise in [name for name, key in WRITTEN.items() if key.names_the_slip]:
        sources, diagnoses = zip(*slipped(exercise), strict=True)
        asked = requests(exercise, sources)
        answers = tab.evaluate(IN_MICROPYTHON, [form.get_attribute("data-interpreter"), files, asked])
        for request, text, says in zip(asked, answers, diagnoses, strict=True):
            here, there = (json.loads(each)["message"].splitlines() for each in (text, answer(request)))
            assert here[:2] + here[3:] == there[:2] + there[3:]  # MicroPython rounds 0.28125 up, Python down
            assert here[-1] == f"diagnosis: {says}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_what_verify_says(reader, language):
    """A slip, no answer, an error in the text, one in a call, something else than a number, an endless loop."""
    lossbook.set_language(language)
    tab = reader()
    form = form_of(tab, "write-huber", language)
    texts = WRITTEN["write-huber"].data()["said"]
    page = page_of("write-huber", language)
    own = RIGHT["write-huber"]

    lines = said(tab, form, own.replace("error**2 / 2", "error**2")).splitlines()
    slip = next(slip for slip in WRITTEN["write-huber"].data()["slips"] if slip["gives"][:3] == [0.25, 1.5, 2.5])
    assert lines == [
        texts["wrong"].format(hint=texts["value"]),
        texts["given"].format(arguments="0.5, 0"),
        texts["got"].format(got="0.25", wanted="0.125"),
        texts["diagnosis"].format(diagnosis=slip["says"]),
    ]
    assert form.get_attribute("data-right") == "false"
    assert said(tab, form, form.locator("textarea").evaluate("e => e.defaultValue")) == texts["blank"]
    assert said(tab, form, "def my_huber(prediction, target, delta=1.0)\n    return 1") == page.text(
        "Line {line}: {error}"
    ).replace("{line}", "1").replace("{error}", "SyntaxError: invalid syntax")
    error = texts["error"].replace("{said}", "NameError: name 'eror' isn't defined")
    assert said(tab, form, own.replace("error**2", "eror**2")).splitlines()[0] == texts["wrong"].format(hint=error)
    assert said(tab, form, own.replace("my_huber", "huber")) == texts["wrong"].format(hint=texts["name"])
    assert said(tab, form, own.replace("return", "result =")).splitlines()[0] == texts["wrong"].format(
        hint=texts["kind"].format(kind="NoneType")
    )
    endless = said(tab, form, "def my_huber(*given, **settings):\n    while True:\n        pass\n")
    assert endless == page.text("The definition did not come to an end. Change it, and run it again.")
    assert said(tab, form, own) == texts["right"]
    assert tab.faults == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_an_editor_is_accessible(reader, width, scheme):
    tab = reader(width, scheme)
    form = form_of(tab, "write-triplet")
    tab.keyboard.press("Tab")
    form.locator("textarea").focus()
    tab.keyboard.press("Control+End")
    tab.keyboard.type("    ")
    tab.keyboard.press("Tab")
    assert form.locator("button").evaluate("button => button === document.activeElement")
    tab.keyboard.press("Enter")
    tab.wait_for_function("output => output.value", arg=form.locator("output").element_handle())
    assert form.locator("output").get_attribute("role") == "status"
    assert form.locator("button").evaluate("button => button.offsetHeight") >= 44
    assert violations(tab) == []
    assert wider_than_screen(tab) == 0


def test_an_answer_is_not_lost_while_what_judges_it_is_on_its_way(reader):
    tab = reader()
    held = []
    tab.route("**/answers.js*", lambda route: held.append(route))
    form = form_of(tab, "write-huber")
    form.locator("textarea").fill(RIGHT["write-huber"])
    form.locator("button").click()
    tab.wait_for_timeout(100)
    held[0].continue_()
    tab.wait_for_function("output => output.value", arg=form.locator("output").element_handle())
    assert form.get_attribute("data-right") == "true"


def test_nothing_is_loaded_before_the_first_touch(reader):
    tab = reader()
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    form = form_of(tab, "write-huber")
    tab.wait_for_load_state("networkidle")
    assert not [url for url in asked if "micropython" in url or "/explorer/" in url]
    with tab.expect_request("**/write-huber-en.json"):
        form.locator("textarea").focus()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("exercise", RIGHT)
def test_every_editor_has_a_name_and_costs_little(language, exercise):
    """A page may grow by one KiB, as it is sent."""
    page = page_of(exercise, language)
    (form,) = page.soup.select(f"form.answer[data-exercise={exercise}]")
    assert form.textarea["aria-label"]
    assert form.find(id=form.textarea["aria-describedby"]).get_text()
    without = re.sub(r'<form class="answer[^>]*data-exercise="(write|mend)-.*?</form>', "", page.html, flags=re.DOTALL)
    assert 0 < len(gzip.compress(page.html.encode())) - len(gzip.compress(without.encode())) <= 1024
