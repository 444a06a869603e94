"""A number as a reader sees it. Runs in MicroPython, in the page, too: it imports what both have."""

import math


def number(x) -> str:
    """A number as the book prints it: four decimals, a small one with three digits that count, a true minus sign."""
    x = float(x)
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    if math.isnan(x):
        return "nan"
    if x == 0 or abs(x) >= 0.1:
        digits = f"{x + 0.0:.4f}".rstrip("0").rstrip(".")
    elif abs(x) >= 1e-4:  # 0.00674: three digits that count
        digits = f"{x:.3g}"
    else:
        mantissa, exponent = f"{x:.2e}".split("e")
        digits = f"{mantissa}e{int(exponent)}"
    return digits.replace("-", "−")
