"""The formula that `explain` shows is that of the settings in use: read as LaTeX and computed, it gives the loss."""

import math
import re

import pytest
import torch

import lossbook
from lossbook.catalogue import CATALOGUE

SAMPLED = [
    pytest.param(entry, settings, id=f"{entry.name}-{i}")
    for entry in CATALOGUE
    for i, settings in enumerate(entry.settings)
]
ELEMENTWISE = [c for c in SAMPLED if c.values[0].batches.elementwise and not c.values[0].coupled]
TOKEN = re.compile(
    r"\\(?:begin|end)\{cases\}|\\text\{[^}]*\}|\\hat\{y\}|\\\\|\\[a-zA-Z]+|\d+(?:\.\d+)?|[a-zA-Z]|[{}()|^_+\-/=,&<>]"
)
SPACE = re.compile(r"\\(?:left|right|[bB]ig[lr])|\\[,;!]|\\cdot|\s")
RELATIONS = {
    "=": lambda a, b: a == b,
    r"\ne": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    r"\le": lambda a, b: a <= b,
    r"\ge": lambda a, b: a >= b,
}
FUNCTIONS = {r"\log": math.log, r"\cosh": math.cosh, r"\sigma": lambda z: 1 / (1 + math.exp(-z))}


class Reader:
    """Reads an expression of LaTeX into a function of its symbols' values, product signs left out as mathematics does."""

    def __init__(self, text):
        self.tokens = TOKEN.findall(SPACE.sub(" ", text))
        self.bars = 0  # open ones: the next ends them

    def next_is(self, *tokens):
        return bool(self.tokens) and self.tokens[0] in tokens

    def take(self, expected=None):
        token = self.tokens.pop(0)
        assert expected in (None, token), f"{expected} expected, {token} found"
        return token

    def sum(self):
        negative = self.next_is("-") and self.take()
        first = self.product()
        terms = [(-1 if negative else 1, first)]
        while self.next_is("+", "-"):
            sign = 1 if self.take() == "+" else -1
            terms.append((sign, self.product()))
        return lambda value: sum(sign * term(value) for sign, term in terms)

    def product(self):
        factors = [(1, self.factor())]
        ends = ("+", "-", ")", "}", ",", "&", r"\\", r"\end{cases}", *RELATIONS, *"|" * self.bars)
        while self.tokens and not self.next_is(*ends):
            power = -1 if self.next_is("/") and self.take() else 1
            factors.append((power, self.factor()))

        def product(value):
            numbers = [factor(value) for power, factor in factors if power == 1]
            return math.prod(numbers) / math.prod(factor(value) for power, factor in factors if power == -1)

        return product

    def factor(self):
        base = self.base()
        if not self.next_is("^"):
            return base
        self.take()
        exponent = self.group()
        return lambda value: base(value) ** exponent(value)

    def group(self):
        """What stands in braces, or one sign alone."""
        if not self.next_is("{"):
            return self.base()
        return self.between("{", "}")

    def between(self, opening, closing):
        self.take(opening)
        inside = self.sum()
        self.take(closing)
        return inside

    def base(self):
        if self.next_is("("):
            return self.between("(", ")")
        if self.next_is("|"):
            self.bars += 1
            inside = self.between("|", "|")
            self.bars -= 1
            return lambda value: abs(inside(value))
        token = self.take()
        if token[0].isdigit():
            return lambda value: float(token)
        if token in (r"\frac", r"\tfrac"):
            above, below = self.group(), self.group()
            return lambda value: above(value) / below(value)
        if token == r"\max":
            self.take("(")
            first = self.sum()
            self.take(",")
            second = self.sum()
            self.take(")")
            return lambda value: max(first(value), second(value))
        if token == r"\sqrt":
            root = self.group()
            return lambda value: math.sqrt(root(value))
        if token in FUNCTIONS:
            argument = self.factor()
            return lambda value: FUNCTIONS[token](argument(value))
        if token == r"\begin{cases}":
            return self.cases()
        if not self.next_is("_"):
            return lambda value: value(token)
        self.take()
        index = self.take()
        return lambda value: value(f"{token}_{index}")

    def cases(self):
        rows = []
        while not rows or self.next_is(r"\\"):
            if rows:
                self.take()
            result = self.sum()
            self.take("&")
            left = self.sum()
            relation = RELATIONS[self.take()]
            rows.append((result, left, relation, self.sum()))
        self.take(r"\end{cases}")

        def chosen(value):
            return next(result(value) for result, left, relation, right in rows if relation(left(value), right(value)))

        return chosen


def compute(formula, numbers):
    """What a formula gives, with the meanings behind it, for the numbers of one element."""
    equation, *meanings = formula.split(r" \qquad ")
    known = dict(numbers)
    for meaning in meanings:
        name, text = meaning.split(" = ", 1)
        known[name] = Reader(text).sum()

    def value(name):
        name, _, index = name.partition("_")
        if index and f"{name}_{index}" not in known:
            index = f"{known[index]:g}"  # p_y is p_1 for the label 1
        name = f"{name}_{index}" if index else name
        if name not in known:
            return {"e": math.e, r"\pi": math.pi}[name]
        return known[name](value) if callable(known[name]) else known[name]

    return Reader(equation.split(" = ", 1)[1]).sum()(value)


def symbols(formula, inputs):
    """The symbols of the inputs, in the order of the formula's left side, and each element's numbers."""
    names = re.match(r"\\ell\((.*?)\) = ", formula)[1].split(", ")
    names = [r"\hat{y}", "y"] if names == ["e"] else names  # of the error
    names = [r"\text{var}" if name == "v" else name for name in names]
    columns = {}
    for name, tensor in zip(names, inputs, strict=True):
        plain = name.removeprefix(r"\log ")
        columns[plain] = (tensor.exp() if plain != name else tensor).flatten().tolist()
    return columns


@pytest.mark.parametrize(("entry", "settings"), ELEMENTWISE)
def test_formula_gives_the_loss(entry, settings, generator):
    inputs = entry.sample(generator)
    formula = lossbook.explain(entry.name, *inputs, **settings).formula
    columns = symbols(formula, inputs)
    for name, symbol in (("weight", "w"), ("pos_weight", "w_+"), ("quantile", "q")):
        if isinstance(settings.get(name), torch.Tensor):
            columns[symbol] = settings[name].flatten().tolist()
    losses = entry.function(*inputs, **settings, reduction="none").flatten().tolist()
    for i, loss in enumerate(losses):
        numbers = {name: column[i] for name, column in columns.items()}
        assert compute(formula, numbers) == pytest.approx(loss, rel=1e-9, abs=1e-12), (formula, numbers)


def test_a_wrong_formula_is_found():
    huber = r"\ell(e) = \begin{cases} \tfrac{1}{2} e^2 & |e| \le \delta \\ \delta\,(|e| - \tfrac{1}{2} \delta) & |e| \ge \delta \end{cases}"
    meanings = r" \qquad e = \hat{y} - y \qquad \delta = 2"
    numbers = {r"\hat{y}": 4.0, "y": 1.0}
    assert compute(huber + meanings, numbers) == 4
    assert compute(huber.replace(r"\tfrac{1}{2} e", "e") + meanings, numbers | {"y": 3.0}) == 1
    assert compute(huber + meanings.replace("= 2", "= 1"), numbers) == 2.5


def shown(entry, settings, generator):
    explanation = lossbook.explain(entry.name, *entry.sample(generator.manual_seed(0)), **settings, reduction="none")
    return explanation.formula, [(step.say, step.text) for step in explanation.steps]


@pytest.mark.parametrize(("entry", "settings"), SAMPLED)
def test_a_setting_that_changes_the_steps_changes_the_formula(entry, settings, generator):
    formula, steps = shown(entry, settings, generator)
    for name in settings:
        without = {other: value for other, value in settings.items() if other != name}
        if "mode" not in without and "weight" in without:  # one mask has no classes to weigh
            continue
        other_formula, other_steps = shown(entry, without, generator)
        assert steps == other_steps or formula != other_formula, name


def bare(latex):
    """LaTeX without what only spaces it."""
    return re.sub(r"\\(?:left|right|[bB]ig[lr])(?![a-z])|\\[,;!]|\s|,$", "", latex.replace(r"\hat y", r"\hat{y}"))


@pytest.mark.parametrize("entry", [e for e in CATALOGUE if e.function], ids=lambda entry: entry.name)
def test_the_docstring_shows_that_formula(entry, generator):
    maths = entry.function.__doc__.split(".. math::")[1].split("\n\n")[0]
    inputs = entry.sample(generator)
    formulas = [lossbook.explain(entry.name, *inputs, **settings).formula for settings in entry.settings]
    assert bare(re.split(r"\\qquad|\\quad\\text", maths)[0].strip()) in [
        bare(f.split(r" \qquad ")[0]) for f in formulas
    ]
