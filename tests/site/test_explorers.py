"""Explorers in the browser: what MicroPython computes in the page is what lossbook computes; every control can be reached,
a slip is told in a sentence, and an endless loop ends."""

import inspect
import json
import re
from dataclasses import replace

import pytest
import torch

import lossbook
from lossbook.catalogue import CATALOGUE
from lossbook.lessons.exercises import EXERCISES
from lossbook.lessons.exercises.exercise import Exercise
from lossbook.lessons.explorers import EXPLORERS, working
from tests.package.plain_losses import RIGHT
from tests.package.test_explorers import points
from tests.site.browser import violations, wider_than_screen
from tests.site.pages import WebPage
from tools.book import LANGUAGES, contents


def figure(tab, loss, language="en"):
    """The explorer of a loss, on its page."""
    tab.goto(f"book/{language}/{EXPLORERS[loss].page}.html")
    found = tab.locator(f"figure.explorer[data-loss={loss}]")
    found.scroll_into_view_if_needed()
    return found


def set_controls(explorer, values):
    """Move the controls as a reader does, and wait until the numbers that belong to them are shown."""
    shown = explorer.evaluate(
        """async (figure, values) => {
            for (const [name, value] of Object.entries(values)) {
                const control = figure.querySelector(`[name="${name}"]`);
                control.step = "any";  // the points of the test lie between the steps
                control.value = value;
            }
            figure.querySelector("[data-control]").dispatchEvent(new Event("input", { bubbles: true }));
            const wanted = JSON.stringify(values);
            for (let i = 0; i < 1000 && figure.dataset.shows !== wanted; i++) await new Promise((go) => setTimeout(go, 20));
            const number = (name) => Number(figure.querySelector(`output[name=${name}]`).dataset.number);
            return figure.dataset.shows === wanted ? [number("loss"), number("gradient")] : null;
        }""",
        values,
    )
    assert shown, "the explorer did not answer within 20 seconds"
    return shown


@pytest.mark.parametrize("loss", EXPLORERS)
def test_the_page_computes_what_lossbook_computes(reader, loss):
    """Against `Explorer.answer` in Python, which tests/package/test_explorers.py holds to the losses and autograd."""
    tab = reader()
    explorer = figure(tab, loss)
    for values in points(EXPLORERS[loss]):
        answer = EXPLORERS[loss].answer(values)
        assert set_controls(explorer, values) == pytest.approx([answer["loss"], answer["gradient"]], abs=1e-6)
    assert tab.faults == []


def test_a_swapped_control_is_found(reader):
    explorer = figure(reader(), "bce_with_logits")
    explorer.evaluate(
        """figure => {
            const [weight, pos] = ["weight", "pos_weight"].map(name => figure.querySelector(`[name=${name}]`));
            [weight.name, pos.name] = ["pos_weight", "weight"];
            weight.value = 3;
        }"""
    )
    explorer.locator("[name=target]").select_option("0")
    explorer.evaluate("figure => new Promise(go => setTimeout(go, 1500))")
    ours = EXPLORERS["bce_with_logits"].answer({"input": 1.0, "target": 0, "weight": 3.0, "pos_weight": 1.0})["loss"]
    assert float(explorer.locator("output[name=loss]").get_attribute("data-number")) != pytest.approx(ours)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reader_changes_the_definition(reader, language):
    tab = reader()
    explorer = figure(tab, "huber", language)
    explorer.locator(".definition-text summary").click()
    tab.wait_for_function("f => f.dataset.shows", arg=explorer.element_handle())
    editor, run = explorer.locator("textarea"), explorer.locator("[name=run]")
    own = editor.input_value()
    assert own == EXPLORERS["huber"].source
    status = explorer.locator("[role=status]")
    page = WebPage(f"book/{language}/{EXPLORERS['huber'].page}")

    editor.fill(own.replace("delta * (e - delta / 2)", "5 * e"))
    run.click()
    tab.wait_for_function("o => o.dataset.number === '7.5'", arg=explorer.locator("output[name=loss]").element_handle())

    editor.fill(own.replace("e - delta", "f - delta"))
    run.click()
    tab.wait_for_function("s => s.textContent", arg=status.element_handle())
    assert status.text_content() == page.text("Line {line}: {error}").replace("{line}", "6").replace(
        "{error}", "NameError: name 'f' isn't defined"
    )

    explorer.locator("[name=reset]").click()
    tab.wait_for_function("o => o.dataset.number === '1'", arg=explorer.locator("output[name=loss]").element_handle())
    assert editor.input_value() == own
    assert status.text_content() == ""
    assert tab.faults == []


def test_an_endless_loop_ends(reader):
    tab = reader()
    explorer = figure(tab, "huber")
    explorer.locator(".definition-text summary").click()
    tab.wait_for_function("f => f.dataset.shows", arg=explorer.element_handle())
    explorer.locator("textarea").fill("def definition(**all):\n    while True:\n        pass\n")
    explorer.locator("[name=run]").click()
    status = explorer.locator("[role=status]").element_handle()
    tab.wait_for_function("s => s.textContent.includes('did not come to an end')", arg=status)
    explorer.locator("[name=reset]").click()
    tab.wait_for_function("o => o.value === '1'", arg=explorer.locator("output[name=loss]").element_handle())


def test_keys_move_the_point_and_another_loss_stands_beside_it(reader):
    tab = reader()
    explorer = figure(tab, "huber")
    explorer.locator("[name=input]").focus()
    tab.keyboard.press("ArrowRight")
    loss = explorer.locator("output[name=loss]").element_handle()
    tab.wait_for_function("o => o.value === '1.1'", arg=loss)
    assert explorer.locator("path.compared").count() == 0
    explorer.locator("[name=compare]").select_option("mse")
    tab.wait_for_selector("figure[data-loss=huber] path.compared", state="attached")


def test_a_finger_moves_points(reader):
    tab = reader(390)
    explorer = figure(tab, "triplet_margin")
    plane = explorer.locator(".plane")
    plane.scroll_into_view_if_needed()
    explorer.locator("[name=margin]").focus()
    box = plane.bounding_box()
    tab.wait_for_function("f => f.dataset.shows", arg=explorer.element_handle())
    tab.mouse.click(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.7)  # nearest to the negative
    assert float(explorer.locator("[name=negative_0]").input_value()) == pytest.approx(0.9, abs=0.1)
    assert float(explorer.locator("[name=negative_1]").input_value()) == pytest.approx(-0.9, abs=0.1)


def test_nothing_is_loaded_before_the_first_touch(reader):
    tab = reader()
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    explorer = figure(tab, "huber")
    tab.wait_for_load_state("networkidle")
    assert not [url for url in asked if "micropython" in url or "/explorer/" in url]
    explorer.locator("[name=input]").focus()
    tab.wait_for_function("f => f.dataset.shows", arg=explorer.element_handle())
    assert [url for url in asked if "micropython.wasm" in url]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_an_open_explorer_is_accessible(reader, width, scheme):
    for loss in ("huber", "cross_entropy", "triplet_margin"):
        tab = reader(width, scheme)
        explorer = figure(tab, loss)
        for fold in explorer.locator("summary").all():
            fold.click()
        tab.wait_for_function("f => f.dataset.shows", arg=explorer.element_handle())
        assert violations(tab) == []
        assert wider_than_screen(tab) == 0
        small = "figure => [...figure.querySelectorAll('input, select, button, summary')].filter(e => e.offsetHeight < 44).length"
        assert explorer.evaluate(small) == 0


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("loss", EXPLORERS)
def test_every_control_has_a_name_in_every_language(language, loss):
    soup = WebPage(f"book/{language}/{EXPLORERS[loss].page}").soup.select_one(f"figure[data-loss={loss}]")
    controls = soup.select("[data-control]")
    assert [control["name"] for control in controls] == list(EXPLORERS[loss].controls)
    labels = [control.find_parent("label").get_text(" ", strip=True) for control in controls]
    assert all(labels)
    assert len(set(labels)) == len(labels)


#: Definitions that call other files' functions by their module, or take more than a batch: they have no explorer yet.
NOT_ALONE = {
    *("dice", "tversky", "jaccard", "focal_tversky", "generalized_dice", "iou", "giou", "diou", "ciou"),
    *("poisson_nll", "linear_cross_entropy", "adaptive_log_softmax", "triplet_margin_with_distance", "ctc"),
}
IN_MICROPYTHON = """async ([interpreter, python, requests]) => {
    const { loadMicroPython } = await import(new URL(interpreter, document.baseURI).href);
    const micropython = await loadMicroPython({ heapsize: 8 << 20 });
    micropython.FS.writeFile("/working.py", await (await fetch(python)).text());
    const working = micropython.pyimport("working");
    return requests.map((request) => JSON.parse(working.answer(request)).loss);
}"""


def test_a_definition_gives_in_micropython_what_it_gives_in_python(reader):
    requests = []
    for entry in CATALOGUE:
        if entry.name in NOT_ALONE:
            continue
        batch = [tensor.tolist() for tensor in entry.sample(torch.Generator().manual_seed(0))]
        arguments = dict(zip(inspect.signature(entry.definition).parameters, batch, strict=False))
        explorer = replace(EXPLORERS["l1"], definition=entry.definition, arguments=arguments, controls={}, over="")
        requests.append(json.dumps(explorer.request()))
    tab = reader()
    found = figure(tab, "huber")
    files = [found.get_attribute(f"data-{name}") for name in ("interpreter", "python")]
    losses = tab.evaluate(IN_MICROPYTHON, [*files, requests])
    assert losses == pytest.approx([json.loads(working.answer(request))["loss"] for request in requests], rel=1e-12)
    assert len(losses) >= 42


# ---- exercises answered in the page ------------------------------------------------------------------------------------

COMPUTED = {"mend-micro-batches", "mend-two-softmaxes"}  # the reader's code gives the number: nothing to type
TYPED = {
    name: exercise for name, exercise in EXERCISES.items() if isinstance(exercise, Exercise) and name not in COMPUTED
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_what_the_notebook_says(reader, language):
    """A right answer, a rounded one, a mistake that readers make, a text for a number, and a wrong one."""
    lossbook.set_language(language)
    tab = reader()
    tab.goto(f"book/{language}/guide/cross-entropy.html")
    form = tab.locator("form.answer[data-exercise='cross-entropy-of-logits']")
    name = "cross-entropy-of-logits"
    typed = [str(TYPED[name].answer()), "ln 4", "123.456", *[str(m) for m, _ in TYPED[name].mistakes()]]
    for text in typed:
        form.locator("input").fill(text)
        form.locator("button").click()
        said = lossbook.check(name, text)
        tab.wait_for_function(
            "([o, text]) => o.value === text", arg=[form.locator("output").element_handle(), said.message]
        )
        assert form.get_attribute("data-right") == str(bool(said)).lower()
    assert tab.faults == []


def test_every_exercise_that_can_be_answered_has_its_field():
    for language in LANGUAGES:
        pages = [WebPage(docname) for _, docname in contents() if docname.startswith(f"book/{language}/")]
        there = [
            name
            for page in pages
            for name in re.findall(r'<form class="answer [^>]*data-exercise="([^"]+)"', page.html)
        ]
        assert sorted(there) == sorted([*TYPED, *RIGHT])
