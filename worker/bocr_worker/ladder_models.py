"""The ladder of engines that are vision-language models: ask anew before the page is drawn anew.

A model reads a page differently at another temperature and with another prompt; both cost one request and no
pixel. For DeepSeek-OCR the prompt comes first: without grounding it read 85 of 86 pages that it had failed on
with it. After that come more pixels, or the page by columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import Variation

Rungs = tuple[Variation, ...]

PLAIN = Variation("plain")
AGAIN = Variation("again", options={"retry": 1})
"""The engine's own numbers for a second try: warmer."""
WARMER = Variation("warmer", options={"retry": 2})
FINE = Variation("fine", dpi=256)
"""As many pixels as the largest of these models take of a page of A4."""
COLUMNS = Variation("columns", preparations=("deskew", "columns", "halves"))
"""A page without columns in an upper and a lower half: less for one answer, and another image."""
CLEAN = Variation("clean", preparations=("illumination", "deskew"))
INVERT = Variation("invert", preparations=("invert",))
TURNED_OVER = Variation("rotate-180", preparations=("rotate-180",))
UPRIGHT = Variation("upright", preparations=("upright",))
ROTATE_270 = Variation("rotate-270", preparations=("rotate-270",))

PROMPT_FIRST = frozenset(["deepseek-ocr", "deepseek-ocr-2"])

ASKED_ANEW = frozenset(
    [
        FailureClass.REPETITION,
        FailureClass.RUNAWAY,
        FailureClass.TRUNCATED,
        FailureClass.INVALID_MARKUP,
        FailureClass.EMPTY,
        FailureClass.CHARSET,
    ]
)
"""Where asking the same model once more helps often enough to do so before another one gets the page."""


def model_ladder(engine: str, prompts: Sequence[str]) -> Mapping[FailureClass, Rungs]:
    """`prompts` are the names of its prompts for whole pages, the default first and the plainest last."""
    prompt = plainest(prompts)
    anew = (*prompt, AGAIN) if engine in PROMPT_FIRST else (AGAIN, *prompt)
    ladder: dict[FailureClass, Rungs] = dict.fromkeys(FailureClass, (PLAIN, *anew, FINE, COLUMNS))
    looped = (PLAIN, *anew, WARMER, COLUMNS)
    ladder.update(
        {
            FailureClass.REPETITION: looped,
            FailureClass.RUNAWAY: looped,
            # Too much for one answer: without markup it is shorter, and a column is half of it.
            FailureClass.TRUNCATED: (PLAIN, *prompt, COLUMNS, AGAIN),
            FailureClass.INVALID_MARKUP: (PLAIN, *anew, COLUMNS),
            FailureClass.EMPTY: (PLAIN, *anew, FINE, INVERT, TURNED_OVER),
            # Last what gives no places: what was passed over then shows less.
            FailureClass.COVERAGE: (PLAIN, COLUMNS, FINE, AGAIN, *prompt),
            FailureClass.LOW_CONFIDENCE: (PLAIN, FINE, CLEAN, COLUMNS, TURNED_OVER),
            FailureClass.ROTATION: (UPRIGHT, ROTATE_270, TURNED_OVER),
            FailureClass.BLANK_TEXT: (PLAIN,),
            FailureClass.TRANSPORT: (PLAIN,),
            FailureClass.TIMEOUT: (PLAIN, AGAIN, COLUMNS),
            FailureClass.RENDER: (),
        }
    )
    return ladder


def plainest(prompts: Sequence[str]) -> Rungs:
    """The rung that asks with the last prompt; none where there is one prompt only."""
    if len(prompts) < 2:
        return ()
    return (Variation(f"prompt-{prompts[-1]}"[:80], options={"prompt": prompts[-1]}),)


def asks_anew(rung: Variation) -> bool:
    """Whether it changes the question alone, and not the image."""
    return rung.dpi is None and not rung.preparations
