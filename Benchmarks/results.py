# SPDX-License-Identifier: Apache-2.0
"""What a run has measured, as lines, as a table in docs/performance.md, and as a plot beside it."""

import datetime
import math
import os
import pathlib
import platform
import re
from xml.sax.saxutils import escape

DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs/performance.md"
PLOT = DOCUMENT.with_suffix(".svg")
BEGIN, END = "<!-- made by make bench -->", "<!-- end -->"
HEAD = "| What | Measured | Beside, in the same run | Ratio | Goal | | When |\n|---|---|---|---|---|---|---|"


class Results:
    def __init__(self):
        self.rows = {}

    def add(self, what, value, unit, floor_name, floor, goal=None, more_is_better=False):
        """`goal` is for the ratio to the floor, or for the value itself where there is no floor."""
        ratio = value / floor if floor else None
        measured = ratio if floor else value
        met = None if goal is None else measured >= goal if more_is_better else measured <= goal
        verdict = "" if met is None else "met" if met else "missed"
        sign = "≥" if more_is_better else "≤"
        goal_text = "" if goal is None else f"{sign} {goal:.3g}" + (" ×" if floor else f" {unit}")
        beside = f"{floor_name}: {floor:,.4g} {unit}" if floor else "–"
        self.rows[what] = (
            f"{value:,.4g} {unit}", beside, f"{ratio:.2f} ×" if ratio else "–", goal_text, verdict,
            datetime.date.today().isoformat())
        print(f"{what:<56} {value:10.2f} {unit:<9} {beside:<44} {f'{ratio:.2f} x' if ratio else '':<9}"
              f"{goal_text:>10} {verdict}", flush=True)

    def write(self):
        """Into the document: what was measured now replaces what stood there, the rest stays."""
        text = DOCUMENT.read_text()
        before, _, rest = text.partition(BEGIN)
        table, _, after = rest.partition(END)
        rows = {}
        for line in table.splitlines():
            cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
            if line.startswith("| ") and len(cells) == 7 and cells[0] != "What":
                rows[cells[0]] = cells[1:]
        machine = f"Linux {platform.release()}, {os.cpu_count()} processors, Python {platform.python_version()}"
        rows.update(self.rows)
        lines = [f"| {what} | {' | '.join(cells)} |" for what, cells in rows.items()]
        image = f"![What was measured as a part of its goal]({PLOT.name})"
        DOCUMENT.write_text(f"{before}{BEGIN}\n{machine}.\n\n{HEAD}\n" + "\n".join(lines) + f"\n\n{image}\n{END}{after}")
        PLOT.write_text(plot(rows))


def plot(rows):
    """Bars of what was measured as a part of its goal, on a logarithmic scale: up to the line it is met."""
    bars = []
    for what, (value, _, ratio, goal, verdict, _) in rows.items():
        if not verdict:
            continue
        target = float(re.search(r"[\d.]+", goal)[0])
        measured = float(re.search(r"[\d.,]+", ratio if "×" in goal else value)[0].replace(",", ""))
        bars.append((what, target / measured if "≥" in goal else measured / target, verdict))
    left, width, step = 400, 360, 24
    height = 40 + step * len(bars)

    def x(share):
        return left + width * min(max((math.log10(share) + 1.5) / 2.5, 0.01), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 60}" height="{height}" font-family="sans-serif"'
        ' font-size="12">', "<!-- made by make bench -->", '<rect width="100%" height="100%" fill="white"/>']
    for index, (what, share, verdict) in enumerate(bars):
        y = 10 + step * index
        colour = "#2a7" if verdict == "met" else "#c63"
        parts.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{escape(what)}</text>')
        parts.append(f'<rect x="{left}" y="{y + 3}" width="{x(share) - left:.1f}" height="{step - 9}" fill="{colour}"/>')
        parts.append(f'<text x="{x(share) + 4:.1f}" y="{y + 14}">{share:.2f}</text>')
    parts.append(f'<line x1="{x(1):.1f}" x2="{x(1):.1f}" y1="6" y2="{height - 24}" stroke="black" stroke-dasharray="3 3"/>')
    parts.append(f'<text x="{x(1):.1f}" y="{height - 8}" text-anchor="middle">the goal</text>')
    return "\n".join(parts) + "\n</svg>\n"
