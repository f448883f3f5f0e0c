"""Answers that are the page's text and nothing else: markdown or plain, without what models put around it."""

from __future__ import annotations

import re
from dataclasses import replace

from bocr_worker.engines.vision.base import Answer, Parsed
from bocr_worker.engines.vision.plain import plain_text
from bocr_worker.protocol.recognition import Recognition

_END = re.compile(r"(?:<｜end▁of▁sentence｜>|<\|im_end\|>|<\|endoftext\|>|</s>|\s)+\Z")
"""Marks of the end that a server leaves in where it is told to keep special tokens."""

_FENCE = re.compile(r"\s*```[ \t]*(?:markdown|md|html|text|latex)?[ \t]*\n", re.IGNORECASE)
_PLACE = re.compile(r"<!--\s{0,9}(?:Image|Table)\s{0,9}\([\d\s,.]{0,80}\)\s{0,9}-->\n?")
_LONGEST_TAIL = 200
"""Characters in which marks of the end are looked for."""


def parse_markdown(answer: Answer) -> Parsed:
    """Never raises."""
    start, end = bounds(answer.text)
    markdown = answer.text[start:end].strip()
    recognition = Recognition(
        text=plain_text(markdown), markdown=markdown, raw=answer.text, finish=answer.finish
    )
    return Parsed(recognition)


def parse_text(answer: Answer) -> Parsed:
    """Of a model that writes plain text: no character of it is a mark of Markdown. Never raises."""
    start, end = bounds(answer.text)
    text = answer.text[start:end].strip()
    return Parsed(Recognition(text=text, markdown=text, raw=answer.text, finish=answer.finish))


def without_places(answer: Answer) -> Answer:
    """Without Qwen3-VL's comments on where a picture or a table stands: they are too few to tell what was
    passed over."""
    return replace(answer, text=_PLACE.sub("", answer.text))


def bounds(text: str) -> tuple[int, int]:
    """Where in an answer the page stands: without marks of the end, and without the fence of a block of code
    that is around all of it. A fence that opens and never closes was cut off with the rest."""
    tail = max(0, len(text) - _LONGEST_TAIL)
    found = _END.search(text, tail)
    end = found.start() if found else len(text)
    fence = _FENCE.match(text, 0, end)
    if fence is None:
        return 0, end
    if text.endswith("```", fence.end(), end):
        end -= 3
    elif "\n```" in text[fence.end() : end]:
        return 0, end  # a page that begins with a block of code of its own
    return fence.end(), end
