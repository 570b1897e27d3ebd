"""A picture of answers over time: one dot an answer, its height the seconds that it took, and a line for each fault."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM = 1000, 360, 50, 30
COLOURS = {True: "#b00020", False: "#0b5563"}


def picture(waits: Sequence[tuple[float, float, bool]], faults: Sequence[tuple[float, str]]) -> str:
    """An SVG of waits (seconds since the begin, seconds waited, of a danger) and faults (seconds since the begin, name)."""
    end = max([at for at, *_ in waits] + [at for at, _ in faults] + [1.0])
    top = max([wait for _, wait, _ in waits] + [1.0])

    def x(at: float) -> float:
        return LEFT + at / end * (WIDTH - LEFT - 10)

    def y(wait: float) -> float:
        return HEIGHT - BOTTOM - wait / top * (HEIGHT - BOTTOM - 20)

    lines = [
        f'<line x1="{x(at):.1f}" x2="{x(at):.1f}" y1="20" y2="{HEIGHT - BOTTOM}" stroke="#999" stroke-dasharray="3"/>'
        f'<text x="{x(at) + 3:.1f}" y="{16 + 12 * (number % 4)}" font-size="10">{escape(what[:40])}</text>'
        for number, (at, what) in enumerate(faults)
    ]
    dots = [
        f'<circle cx="{x(at):.1f}" cy="{y(wait):.1f}" r="1.8" fill="{COLOURS[grave]}" fill-opacity=".6"/>'
        for at, wait, grave in sorted(waits, key=lambda one: one[2])
    ]
    scale = [
        f'<text x="4" y="{y(part * top / 4) + 4:.1f}" font-size="11">{part * top / 4:.1f} s</text>' for part in range(5)
    ]
    time = [
        f'<text x="{x(part * end / 5):.1f}" y="{HEIGHT - 8}" font-size="11">{part * end / 5:.0f} s</text>'
        for part in range(6)
    ]
    body = "\n".join([*lines, *dots, *scale, *time])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>\n{body}\n</svg>\n'
    )
