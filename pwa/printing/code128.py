"""Code 128 as widths of bars and gaps, for printers that take drawings only."""

from __future__ import annotations

_DIGITS = (
    "212222222122222221121223121322131222122213122312132212221213221312231212112232122132122231"
    "113222123122123221223211221132221231213212223112312131311222321122321221312212322112322211"
    "212123212321232121111323131123131321112313132113132311211313231113231311112133112331132131"
    "113123113321133121313121211331231131213113213311213131311123311321331121312113312311332111"
    "314111221411431111111224111422121124121421141122141221112214112412122114122411142112142211"
    "241211221114413111241112134111111242121142121241114212124112124211411212421112421211212141"
    "214121412121111143111341131141114113114311411113411311113141114131311141411131211412211214"
    "211232"
)
WIDTHS = [_DIGITS[n : n + 6] for n in range(0, len(_DIGITS), 6)] + ["2331112"]
"""Of each value: three bars and three gaps in turn; the stop sign ends in one bar more."""
START_B, STOP = 104, 106
QUIET = 10
"""Modules that stay white on each side."""


def widths(text: str) -> list[int]:
    """Bar, gap, bar, … in modules, by code set B: printable ASCII only (ValueError)."""
    if not text or not all(" " <= sign <= "~" for sign in text):
        raise ValueError("Code 128 takes printable ASCII here")
    values = [START_B, *(ord(sign) - 32 for sign in text)]
    check = (START_B + sum(n * value for n, value in enumerate(values[1:], 1))) % 103
    return [int(width) for value in (*values, check, STOP) for width in WIDTHS[value]]


def modules(text: str) -> int:
    """How wide it is, quiet zones included."""
    return 11 * (len(text) + 2) + 13 + 2 * QUIET
