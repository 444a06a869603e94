"""What is said to an answer. Runs in Python, where a notebook checks it, and in MicroPython, in the page: it imports
what both have.

The exercise comes as data: `answer`, `mistakes` (each with its hint), `praise`, `hint`, `digits`, `exact` (the right
answer as text), and `said`, the sentences around them.
"""

import json

FULL = 5e-5  # four digits after the point: nobody is told that such an answer is rounded
SEPARATORS = ",;()[]\t\n"


def judged(given, exercise):
    """Right or not, and the sentence: right, right but rounded, a known mistake, too coarse, or wrong."""
    expected, said = exercise["answer"], exercise["said"]
    if isinstance(given, str) and not isinstance(expected, str) and numbers_of(given) is None:
        return False, said["wrong"].replace("{hint}", said["number"])
    half = half_of_last_digit(exercise["digits"])
    if agrees(given, expected, half):
        if isinstance(expected, str) or apart(given, expected) <= FULL:
            return True, said["right"].replace("{praise}", exercise["praise"])
        return True, said["rounded"].replace("{exact}", exercise["exact"]).replace("{praise}", exercise["praise"])
    for mistake, hint in exercise["mistakes"]:
        if agrees(given, mistake, half):
            return False, said["wrong"].replace("{hint}", hint)
    if exercise["digits"] and not isinstance(expected, str) and apart(given, expected) <= 10 * half:
        close = said["close"].replace("{n}", str(exercise["digits"]))
        return False, said["wrong"].replace("{hint}", close)
    return False, said["wrong"].replace("{hint}", exercise["hint"])


def half_of_last_digit(digits):
    """And a little for numbers such as 0.125 that no float holds exactly."""
    return 0.5 * 10**-digits + 1e-6


def agrees(given, expected, half):
    if isinstance(expected, str):
        letters = letters_of(given)
        one_by_one = all(letter in "abcd" for letter in expected)
        return letters == expected or (one_by_one and sorted(letters) == sorted(expected))
    return apart(given, expected) <= half


def apart(given, expected):
    """The largest difference between the numbers; infinite where there are others than asked for."""
    numbers = numbers_of(given) if isinstance(given, str) else flat(given)
    wanted = flat(expected)
    if numbers is None or len(numbers) != len(wanted):
        return float("inf")
    differences = [abs(a - b) for a, b in zip(numbers, wanted)]  # noqa: B905 (MicroPython has no strict)
    return max(d if d == d else float("inf") for d in differences)


def flat(given):
    """The numbers of rows within rows; None where something else is among them."""
    if isinstance(given, (list, tuple)):
        parts = [flat(part) for part in given]
        return None if None in parts else [number for part in parts for number in part]
    return [float(given)] if isinstance(given, (int, float)) else None


def numbers_of(text):
    """ "1.386" and "(2, −6)" are numbers too; "ln 4" is not."""
    for separator in SEPARATORS:
        text = text.replace(separator, " ")
    try:
        return [float(part) for part in text.replace("−", "-").split()]
    except ValueError:
        return None


def letters_of(given):
    """ "b, d", "b and d", ("b", "d") and "BD" are all "bd"."""
    parts = given if isinstance(given, (list, tuple)) else [given]
    text = " ".join(part for part in parts if isinstance(part, str)).lower()
    for separator in SEPARATORS + "和与，、":
        text = text.replace(separator, " ")
    words = text.split()
    kept = [w for i, w in enumerate(words) if not (w in ("and", "và", "e") and 0 < i < len(words) - 1)]
    return "".join(letter for letter in "".join(kept) if letter.isalpha())


def answer(request):
    """The judgment of what was typed into the page; request and answer are JSON."""
    asked = json.loads(request)
    right, message = judged(asked["given"], asked["exercise"])
    return json.dumps({"right": right, "message": message})
