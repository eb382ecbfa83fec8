# SPDX-License-Identifier: Apache-2.0
"""What a run has measured, as lines, as a table in docs/performance.md, and as a plot beside it."""

import datetime
import math
import os
import pathlib
import platform
import re
import statistics
import subprocess
from xml.sax.saxutils import escape

DOCUMENT = pathlib.Path(__file__).resolve().parents[1] / "docs/performance.md"
PLOT = DOCUMENT.with_suffix(".svg")
BEGIN, END = "<!-- made by make bench -->", "<!-- end -->"
HEAD = "| What | Measured | Beside, in the same run | Ratio | Goal | | When |\n|---|---|---|---|---|---|---|"


def number(value, digits=4):
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.{digits}g}"


def measured(value, unit):
    """The value or, of several rounds, their median, as a number and as text with the least and the greatest."""
    if not isinstance(value, list):
        return value, f"{number(value)} {unit}"
    middle = statistics.median(value)
    spread = f" ({number(min(value))} to {number(max(value))})" if len(value) > 1 else ""
    return middle, f"{number(middle)} {unit}{spread}"


class Results:
    def __init__(self):
        self.rows = {}

    def add(self, what, value, unit, floor_name, floor, goal=None, more_is_better=False, of_value=False):
        """`value` and `floor` are numbers, or one for each round; `goal` is for the ratio to the floor, or for the value itself where
        there is no floor, or with `of_value`."""
        value, shown = measured(value, unit)
        floor, floor_shown = measured(floor, unit) if floor else (None, None)
        ratio = value / floor if floor else None
        of_ratio = ratio is not None and not of_value
        reached = ratio if of_ratio else value
        met = None if goal is None else reached >= goal if more_is_better else reached <= goal
        verdict = "" if met is None else "met" if met else "missed"
        sign = "≥" if more_is_better else "≤"
        goal_text = "" if goal is None else f"{sign} {number(goal, 3)}" + (" ×" if of_ratio else f" {unit}")
        beside = f"{floor_name}: {floor_shown}" if floor else "–"
        ratio_text = f"{number(ratio, 3)} ×" if floor else "–"
        self.rows[what] = (shown, beside, ratio_text, goal_text, verdict, datetime.date.today().isoformat())
        print(f"{what:<60} {shown:<36} {beside:<60} {ratio_text:<9} {goal_text:>16} {verdict}", flush=True)

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
        # Functions' and peers', not the one that measures.
        python = subprocess.run(["/usr/bin/python3", "--version"], check=True, capture_output=True, text=True).stdout.strip()
        machine = f"Linux {platform.release()}, {os.cpu_count()} processors, {python}"
        rows.update(self.rows)
        lines = [f"| {what} | {' | '.join(cells)} |" for what, cells in rows.items()]
        image = f"![What was measured as a part of its goal]({PLOT.name})"
        DOCUMENT.write_text(f"{before}{BEGIN}\n{machine}.\n\n{HEAD}\n" + "\n".join(lines) + f"\n\n{image}\n{END}{after}")
        PLOT.write_text(plot(rows))


def first_number(text):
    return float(re.search(r"[\d.,]+(e[+-]?\d+)?", text)[0].replace(",", ""))


def plot(rows):
    """Bars of what was measured as a part of its goal, on a logarithmic scale: up to the line it is met."""
    bars = []
    for what, (value, _, ratio, goal, verdict, _) in rows.items():
        if not verdict:
            continue
        # Nothing at all has no logarithm.
        target, reached = first_number(goal), max(first_number(ratio if "×" in goal else value), 1e-6)
        bars.append((what, target / reached if "≥" in goal else reached / target, verdict))
    left, width, step = 460, 360, 24
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
