"""What is said to a loss that a reader writes in the page, for one sample, in numbers and lists. Runs in MicroPython
there, and in Python, where it is tested: it imports what both have.

The exercise comes as data: the `name` of the function, the `points` that it is called at, each with the `right` value,
what the `slips` give there, likeliest first, and `said`, the sentences around them.
"""

import json
import math

try:
    from ...kit.number import number
    from ..explorers import working
except ImportError:  # in the page the files lie side by side
    import working  # type: ignore[import-not-found, no-redef]
    from number import number  # type: ignore[import-not-found, no-redef]


def judged(source, exercise):
    """Right or not, and what is said: a sentence, with facts below it."""
    said, points = exercise["said"], exercise["points"]
    loss = defined(source, exercise["name"])
    if not callable(loss):
        return False, said["wrong"].replace("{hint}", said["name"])
    results = [called(loss, point) for point in points]
    if results[0][0] is ...:
        return False, said["blank"]
    for i, point in enumerate(points):
        came = results[i][0]
        if not is_number(came) or not close(came, point["right"], exercise["tolerance"]):
            return False, said["wrong"].replace("{hint}", told(i, results, exercise))
    return True, said["right"]


def defined(source, name):
    """What has this name once the reader's text has run. It finds math and zip around it, with what MicroPython lacks."""

    class Mathematics(working.Mathematics):
        pass

    for key in dir(math):
        if not hasattr(Mathematics, key):
            setattr(Mathematics, key, getattr(math, key))
    around = {"math": Mathematics, "zip": working.same_length}
    exec(source, around)
    return around.get(name)


def called(loss, point):
    """What the loss gives at a point, and its error where it has one."""
    try:
        return loss(*point["given"], **point["settings"]), ""
    except Exception as error:
        return None, type(error).__name__ + ": " + str(error)


def is_number(x):
    return isinstance(x, (int, float)) and not isinstance(x, bool)


def close(came, right, tolerance):
    return abs(came - right) <= tolerance * max(1, abs(right))


def told(i, results, exercise):
    """The fault at point i in the words of `verify`: what is wrong, the point, what came and should have come, the slip."""
    said, point, (came, error) = exercise["said"], exercise["points"][i], results[i]
    lines = [said["given"].replace("{arguments}", point["shown"])]
    if error:
        return "\n".join([said["error"].replace("{said}", error)] + lines)
    if not is_number(came):
        return "\n".join([said["kind"].replace("{kind}", type(came).__name__)] + lines)
    lines.append(apart(came, point["right"], said["got"]))
    if slip := slip_of(i, results, exercise):
        lines.append(said["diagnosis"].replace("{diagnosis}", slip))
    return "\n".join([said["value"] if math.isfinite(came) else said["not finite"]] + lines)


def apart(came, right, pattern):
    """Both numbers, with more digits where four look alike."""
    texts = number(came), number(right)
    if texts[0] == texts[1]:
        texts = f"{came:.12g}", f"{right:.12g}"
    return pattern.replace("{got}", texts[0]).replace("{wanted}", texts[1])


def slip_of(i, results, exercise):
    """The first slip that gives at point i, and at the others, what the loss gives; no number tells nothing."""
    came = [value if is_number(value) and math.isfinite(value) else None for value, _ in results]
    for slip in exercise["slips"]:
        gives = slip["gives"]
        known = [k for k in range(len(came)) if came[k] is not None and gives[k] is not None]
        if i in known and all(close(came[k], gives[k], exercise["tolerance"]) for k in known):
            return slip["says"]
    return ""


def answer(request):
    """The judgment of what was written into the page; request and answer are JSON."""
    asked = json.loads(request)
    right, message = judged(asked["given"], asked["exercise"])
    return json.dumps({"right": right, "message": message})
