# SPDX-License-Identifier: Apache-2.0
"""Counts the words of a text: the one in the event, or the one that was packed with the code."""

import collections
import pathlib
import re

TEXT = pathlib.Path(__file__).with_name("text.txt")


def handler(event, context):
    text = event["text"] if "text" in event else TEXT.read_text(encoding="utf-8")
    words = re.findall(r"[a-z]+(?:'[a-z]+)?", text.lower())
    counts = collections.Counter(words)
    print(f"{len(words)} words, {len(counts)} different ones")
    return {"words": len(words), "different": len(counts), "top": counts.most_common(int(event.get("top", 10)))}
