"""Numbers that keep their slope and show their working: how an explorer runs the definition of a loss.

This file runs in MicroPython, in the page, as well as in Python, where the book is built and tested. It therefore
imports what both have, and hands the definition what MicroPython lacks.
"""

import json
import math

working: list = []  # the steps of the calculation under way: a pattern, the numbers in it, the result


class Number:
    """A number with its derivative to the variable of the explorer. Every operation adds a line to the working.

    It has no __float__: MicroPython would take that for 0.5 * number, and the slope would be lost.
    """

    def __init__(self, value, slope=0.0):
        self.value = value
        self.slope = slope

    def __add__(self, other):
        return plus(self, other)

    def __radd__(self, other):
        return plus(other, self)

    def __sub__(self, other):
        return minus(self, other)

    def __rsub__(self, other):
        return minus(other, self)

    def __mul__(self, other):
        return times(self, other)

    def __rmul__(self, other):
        return times(other, self)

    def __truediv__(self, other):
        return over(self, other)

    def __rtruediv__(self, other):
        return over(other, self)

    def __pow__(self, other):
        return to_the(self, other)

    def __rpow__(self, other):
        return to_the(other, self)

    def __neg__(self):
        return Number(-self.value, -self.slope)

    def __pos__(self):
        return self

    def __abs__(self):
        sign = (self.value > 0) - (self.value < 0)
        return step("|{}|", (self,), abs(self.value), sign * self.slope)

    def __bool__(self):
        return self.value != 0

    def __hash__(self):
        return hash(self.value)

    def __eq__(self, other):
        return self.value == value_of(other)

    def __ne__(self, other):
        return self.value != value_of(other)

    def __lt__(self, other):
        return self.value < value_of(other)

    def __le__(self, other):
        return self.value <= value_of(other)

    def __gt__(self, other):
        return self.value > value_of(other)

    def __ge__(self, other):
        return self.value >= value_of(other)


def value_of(x):
    return x.value if isinstance(x, Number) else x


def slope_of(x):
    return x.slope if isinstance(x, Number) else 0.0


def shown(x):
    """A number with four digits that count, and a true minus sign; 0 has none."""
    return f"{value_of(x) + 0.0:.4g}".replace("-", "−")


def operand(x):
    """A number inside a formula: a negative one in parentheses."""
    text = shown(x)
    return "(" + text + ")" if text.startswith("−") else text


def step(pattern, numbers, value, slope):
    working.append((pattern, [value_of(x) for x in numbers], value))
    return Number(value, slope)


def written(steps):
    """The steps as text, each once."""
    lines = []
    for pattern, numbers, value in steps:
        # A number that opens the line, or stands between bars or commas, needs no parentheses.
        texts = [shown(x) if bare(pattern, i) else operand(x) for i, x in enumerate(numbers)]
        line = pattern.format(*texts) + " = " + shown(value)
        if line not in lines:
            lines.append(line)
    return lines


def bare(pattern, i):
    before = pattern.split("{}")[i]
    return before.endswith(("|", "(", ", ")) or (not before and (" + " in pattern or " − " in pattern))


def plus(a, b):
    value, slope = value_of(a) + value_of(b), slope_of(a) + slope_of(b)
    if 0 in (value_of(a), value_of(b)):
        return Number(value, slope)  # it changes nothing, so it is not worth a line
    return step("{} + {}", (a, b), value, slope)


def minus(a, b):
    return step("{} − {}", (a, b), value_of(a) - value_of(b), slope_of(a) - slope_of(b))


def times(a, b):
    value = value_of(a) * value_of(b)
    slope = slope_of(a) * value_of(b) + value_of(a) * slope_of(b)
    if 0 in (value_of(a), value_of(b)) or 1 in (value_of(a), value_of(b)):
        return Number(value, slope)
    return step("{} · {}", (a, b), value, slope)


def over(a, b):
    value = value_of(a) / value_of(b)
    slope = (slope_of(a) - value * slope_of(b)) / value_of(b)
    return Number(value, slope) if value_of(b) == 1 else step("{} / {}", (a, b), value, slope)


def to_the(a, b):
    base, exponent = value_of(a), value_of(b)
    value = base**exponent
    slope = exponent * base ** (exponent - 1) * slope_of(a) if slope_of(a) else 0.0
    if slope_of(b):
        slope += value * math.log(base) * slope_of(b)
    return step("{}²", (a,), value, slope) if exponent == 2 else step("{}^{}", (a, b), value, slope)


def elementary(name, derivative):
    """A function of math that takes Numbers as well."""
    function = getattr(math, name)

    def applied(x):
        if not isinstance(x, Number):
            return function(x)
        return step(name + "({})", (x,), function(x.value), derivative(x.value) * x.slope)

    return applied


def natural_log(x, base=None):
    if base is not None:
        return natural_log(x) / natural_log(base)
    if not isinstance(x, Number):
        return math.log(x)
    return step("ln {}", (x,), math.log(x.value), x.slope / x.value)


def length(*sides):
    return root(sum_of(side * side for side in sides))


def root(x):
    if not isinstance(x, Number):
        return math.sqrt(x)
    value = math.sqrt(x.value)
    return step("√{}", (x,), value, x.slope / (2 * value) if value else 0.0)


def largest(*numbers):
    return chosen(max, numbers)


def smallest(*numbers):
    return chosen(min, numbers)


def chosen(choose, numbers):
    """max or min, with a line of its own: it is where a hinge bends.

    At the bend the slope is PyTorch's: beside a constant the number's, as in clamp; of two numbers the mean.
    """
    numbers = numbers if len(numbers) > 1 else tuple(numbers[0])
    value = choose([value_of(x) for x in numbers])  # MicroPython compares no float with a Number
    slopes = [x.slope for x in numbers if isinstance(x, Number) and x.value == value]
    if not any(isinstance(x, Number) for x in numbers):
        return value
    pattern = ("max(" if choose is max else "min(") + ", ".join(["{}"] * len(numbers)) + ")"
    return step(pattern, numbers, value, sum(slopes) / len(slopes) if slopes else 0.0)


def sum_of(numbers, start=0):
    total = start
    for x in numbers:
        total = total + x
    return total


def same_length(*rows, strict=False):
    """zip, whose strict MicroPython does not know."""
    lists = [list(row) for row in rows]
    if strict and len({len(row) for row in lists}) > 1:
        raise ValueError("zip() arguments differ in length: " + ", ".join(str(len(row)) for row in lists))
    return zip(*lists)  # noqa: B905 (MicroPython has no strict)


def product(symbols, repeat):
    """itertools.product, which MicroPython lacks: every row of so many symbols, as a tuple."""
    rows: list = [()]
    for _ in range(repeat):
        rows = [row + (symbol,) for row in rows for symbol in symbols]
    return rows


def groupby(row):
    """itertools.groupby, which MicroPython lacks: each run of equal neighbors, as the neighbor and the run."""
    runs: list = []
    for x in row:
        if runs and runs[-1][0] == x:
            runs[-1][1].append(x)
        else:
            runs.append((x, [x]))
    return runs


class Mathematics:
    """The module math, for numbers with a slope."""

    pi, e, inf, nan = math.pi, math.e, float("inf"), float("nan")
    exp = staticmethod(elementary("exp", math.exp))
    cosh = staticmethod(elementary("cosh", math.sinh))
    tanh = staticmethod(elementary("tanh", lambda x: 1 - math.tanh(x) ** 2))
    sin = staticmethod(elementary("sin", math.cos))
    cos = staticmethod(elementary("cos", lambda x: -math.sin(x)))
    acos = staticmethod(elementary("acos", lambda x: -1 / math.sqrt(1 - x * x)))
    log = staticmethod(natural_log)
    sqrt = staticmethod(root)
    hypot = staticmethod(length)

    @staticmethod
    def log1p(x):
        return natural_log(1 + x)

    @staticmethod
    def fsum(numbers):
        return sum_of(numbers)

    @staticmethod
    def prod(numbers):
        total = 1
        for x in numbers:
            total = total * x
        return total

    @staticmethod
    def dist(a, b):
        return length(*(x - y for x, y in same_length(a, b, strict=True)))


class Term:
    """The loss of one element. The mean is Σ(loss / own) / Σ share: as in lossbook/kit/entry.py."""

    def __init__(self, loss, share=1.0, own=1.0):
        self.loss, self.share, self.own = loss, share, own


def names():
    """What the text of a definition finds around it."""
    return {
        "Any": object,  # types, which Python evaluates and MicroPython does not
        "Box": list,
        "Callable": list,
        "Iterator": list,
        "Sequence": list,
        "math": Mathematics,
        "Term": Term,
        "groupby": groupby,
        "product": product,
        "zip": same_length,
        "max": largest,
        "min": smallest,
        "sum": sum_of,
    }


def filled(template, numbers):
    """The arguments of the definition: a text in the template is the name of a control, or a formula with such names."""
    if isinstance(template, dict):
        return {name: filled(part, numbers) for name, part in template.items()}
    if isinstance(template, list):
        return [filled(part, numbers) for part in template]
    if not isinstance(template, str):
        return template
    return numbers[template] if template in numbers else eval(template, dict(numbers, math=Mathematics))


def loss_of(definition, arguments, reduction):
    terms = list(definition(**arguments))
    total = sum_of(term.loss / term.own for term in terms)
    return total if reduction == "sum" else total / sum_of(term.share for term in terms)


def probabilities(logits):
    """The softmax of the logits."""
    powers = [math.exp(z - max(logits)) for z in logits]
    return [power / sum(powers) for power in powers]


def answer(request):
    """Run a definition: its loss and gradient where the controls stand, the working, and the curve over one of them.

    The request, `Explorer.request`, and the answer are JSON, which Python and a page's script share.
    """
    asked = json.loads(request)
    around = names()
    exec(asked["source"], around)
    definition = around["definition"]

    def at(values):
        numbers = {
            name: Number(value, float(name == asked["variable"])) if isinstance(value, float) else value
            for name, value in values.items()
        }
        arguments = filled(asked["arguments"], numbers)
        working.clear()
        return loss_of(definition, arguments, asked["reduction"])

    def pair(result):
        return [value_of(result), slope_of(result)]

    # Sliders hold fractions, choices whole numbers and words. JSON makes no difference between 1.0 and 1.
    values = {name: float(asked["values"][name]) for name in asked["fractions"]} | {
        name: value for name, value in asked["values"].items() if name not in asked["fractions"]
    }
    curve = [[x] + pair(at(dict(values, **{asked["variable"]: float(x)}))) for x in asked["xs"]]
    loss, gradient = pair(at(values))
    shares = probabilities(filled(asked["classes"], values))
    return json.dumps(
        {"loss": loss, "gradient": gradient, "working": written(working), "curve": curve, "probabilities": shares}
    )
