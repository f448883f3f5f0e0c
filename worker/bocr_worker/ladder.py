"""The retry policy as data: what to change, and in which order, on a page that failed.

A ladder names, for an engine and a failure class, the rungs to try: variations of resolution, preparation
and options. Each rung is tried at most once on a page, told apart by the hash of its settings and not by its
name, so that the policy always ends. The table below and the one of ladder_models are the default;
`[ladder.<engine>]` in bocr.toml replaces it class by class (`parse_ladder`).
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from bocr_worker.engines.base import EngineSpec
from bocr_worker.engines.registry import all_engines
from bocr_worker.ladder_models import ASKED_ANEW, asks_anew, model_ladder
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import Variation
from bocr_worker.runtimes.openai.options import SERVER_OPTIONS

PREPARATIONS = (
    "columns",
    "deskew",
    "halves",
    "illumination",
    "invert",
    "rotate-180",
    "rotate-270",
    "rotate-90",
    "upright",
)
"""The steps that can be named; the files of `prepare/` are what carries them out."""

PLAIN = Variation("plain")
"""The engine as it is: a change in itself on a page that another engine failed on."""

_COLUMNS = Variation("columns", preparations=("deskew", "columns", "halves"))
_CLEAN = Variation("clean", preparations=("illumination", "deskew"))
_UPRIGHT = Variation("upright", preparations=("upright",))
_ROTATE_270 = Variation("rotate-270", preparations=("rotate-270",))
_TURNED_OVER = Variation("rotate-180", preparations=("rotate-180",))
_INVERT = Variation("invert", preparations=("invert",))
_COARSE = Variation("coarse", dpi=110)

_FINE_TESSERACT = Variation("fine", dpi=300, preparations=("illumination", "deskew"))
"""Last for Tesseract: it reads Arabic worse at 300 dpi than at 200 (11% of characters wrong against 0.8 to
4%), but small and faded print better."""

_FINE_RAPIDOCR = Variation("fine", dpi=250)

_OF_THE_SERVER = frozenset(SERVER_OPTIONS) - {"model"}
"""Where a model is served and how often it is asked changes no reading; which model does."""

Rungs = tuple[Variation, ...]
FIRST, DEFAULT = "first", "default"
ANY_ENGINE = "*"


def _policy(general: Rungs) -> dict[FailureClass, Rungs]:
    """An engine's ladder from what generally helps it."""
    policy = dict.fromkeys(FailureClass, general)
    policy[FailureClass.LOW_CONFIDENCE] = (*general, _TURNED_OVER)
    policy[FailureClass.EMPTY] = (*general, _INVERT, _TURNED_OVER)
    # Plain is not among these: the page would be read lying on its side once more.
    policy[FailureClass.ROTATION] = (_UPRIGHT, _ROTATE_270, _TURNED_OVER)
    # There is no ink to prepare: only another engine can answer differently.
    policy[FailureClass.BLANK_TEXT] = (PLAIN,)
    policy[FailureClass.TRANSPORT] = (PLAIN,)
    policy[FailureClass.TIMEOUT] = (PLAIN, _COARSE)
    # A page that cannot be drawn cannot be drawn again.
    policy[FailureClass.RENDER] = ()
    return policy


DEFAULT_LADDER: Mapping[str, Mapping[FailureClass, Rungs]] = {
    "tesseract": _policy((PLAIN, _COLUMNS, _FINE_TESSERACT)),
    "rapidocr": _policy((PLAIN, _FINE_RAPIDOCR, _CLEAN, _COLUMNS)),
    ANY_ENGINE: _policy((PLAIN, _CLEAN, _COLUMNS)),
}

Overrides = Mapping[str, Mapping[str, Rungs]]
"""What bocr.toml says: engine → failure class, `default` or `first` → rungs."""

_NAMED_RUNGS = {
    rung.name: rung
    for rung in (PLAIN, _COLUMNS, _CLEAN, _UPRIGHT, _ROTATE_270, _TURNED_OVER, _INVERT, _COARSE)
}
_RUNG_KEYS = ("name", "dpi", "preparations", "options")
_LEAST_DPI, _MOST_DPI = 40, 1200
_MOST_RUNGS = 20
_EARLY = 3
"""Rungs of a stage that another follows: the plain one, which was tried, and two more."""


class LadderError(ValueError):
    """A ladder in the configuration that cannot be meant. `key` is its path below `[ladder]`, `nearest` the
    known word that is closest to the unknown one."""

    def __init__(self, key: str, problem: str, nearest: str | None = None) -> None:
        hint = f" Did you mean {nearest!r}?" if nearest else ""
        super().__init__(f"{key}: {problem}.{hint}")
        self.key = key
        self.problem = problem
        self.nearest = nearest


def rungs(
    engine: str,
    failure: FailureClass | None,
    overrides: Overrides | None = None,
    spec: EngineSpec | None = None,
) -> Rungs:
    """What to try with this engine on a page that failed so, in order; `failure` None is an unread page.

    What the configuration says of the class comes first, then its `default` for the engine, then the
    default ladder. `spec` is the engine where no file of the worker defines it.
    """
    said = (overrides or {}).get(engine, {})
    if failure is None:
        return said.get(FIRST, (PLAIN,))
    if failure.value in said:
        return said[failure.value]
    if DEFAULT in said and failure is not FailureClass.RENDER:
        return said[DEFAULT]
    if engine in DEFAULT_LADDER:
        return DEFAULT_LADDER[engine][failure]
    spec = spec or all_engines().get(engine)
    if spec is not None and spec.vision is not None:
        prompts = [name for name in spec.vision.prompts if name not in spec.vision.of_parts]
        return model_ladder(engine, prompts)[failure]
    return DEFAULT_LADDER[ANY_ENGINE][failure]


def early_rungs(
    engine: str,
    failure: FailureClass,
    overrides: Overrides | None = None,
    spec: EngineSpec | None = None,
) -> Rungs:
    """What a stage tries itself before the next one gets the page: nothing, but for models, which answer
    differently when they are asked anew. What the configuration says of the class is taken as it is said."""
    found = spec or all_engines().get(engine)
    if found is None or found.vision is None:
        return ()
    said = (overrides or {}).get(engine, {})
    if failure.value in said or DEFAULT in said:
        return rungs(engine, failure, overrides, spec)
    if failure not in ASKED_ANEW:
        return ()
    return tuple(rung for rung in rungs(engine, failure, overrides, spec) if asks_anew(rung))[:_EARLY]


def settings_hash(
    engine: str, options: Mapping[str, Any], variation: Variation, languages: Sequence[str]
) -> str:
    """Sixteen hex digits of the SHA-256 of everything that decides how a page is read but the engine's
    version. The variation's name is left out: the same settings under two names are the same attempt. So is
    what an order says about the model's server."""
    settings = {
        "engine": engine,
        "options": {name: value for name, value in options.items() if name not in _OF_THE_SERVER},
        "dpi": variation.dpi,
        "preparations": list(variation.preparations),
        "variation": variation.options,
        "languages": list(languages),
    }
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def next_variation(
    offered: Iterable[Variation],
    tried: Collection[str],
    engine: str,
    options: Mapping[str, Any],
    languages: Sequence[str],
) -> Variation | None:
    """The first of the offered rungs whose settings were not tried on this page, None when all were."""
    for variation in offered:
        if settings_hash(engine, options, variation, languages) not in tried:
            return variation
    return None


def parse_ladder(mapping: Mapping[str, Any], engines: Collection[str] = ()) -> Overrides:
    """`[ladder]` of bocr.toml, checked.

    For each engine a table whose keys are failure classes, `default` or `first`, and whose values are lists
    of rungs: a rung's name, preparations joined by `+`, or a table of name, dpi, preparations and options.
    `engines` are the known names, empty for any. Raises LadderError that names the key.
    """
    return {
        _known(engine, engines, engine, "engine") if engines else str(engine): _parse_engine(
            str(engine), table
        )
        for engine, table in _table("ladder", mapping).items()
    }


def _parse_engine(engine: str, table: Any) -> dict[str, Rungs]:
    names = [failure.value for failure in FailureClass] + [DEFAULT, FIRST]
    parsed = {}
    for name, items in _table(engine, table).items():
        key = f"{engine}.{name}"
        _known(name, names, key, "failure class")
        if not isinstance(items, (list, tuple)):
            raise LadderError(key, "should be a list of rungs")
        if len(items) > _MOST_RUNGS:
            raise LadderError(key, f"has {len(items)} rungs; {_MOST_RUNGS} are the most")
        parsed[name] = tuple(_parse_rung(f"{key}[{place}]", item) for place, item in enumerate(items))
    if not parsed.get(FIRST, (PLAIN,)):
        raise LadderError(f"{engine}.{FIRST}", "names no rung, so that no page would ever be read")
    return parsed


def _parse_rung(key: str, item: Any) -> Variation:
    if isinstance(item, str):
        if item in _NAMED_RUNGS:
            return _NAMED_RUNGS[item]
        parts = tuple(part.strip() for part in item.split("+"))
        words = (*PREPARATIONS, *_NAMED_RUNGS) if len(parts) == 1 else PREPARATIONS
        return Variation(item, preparations=tuple(_known(part, words, key, "preparation") for part in parts))
    table = _table(key, item)
    for name in table:
        _known(name, _RUNG_KEYS, f"{key}.{name}", "key")
    preparations = table.get("preparations", [])
    if not isinstance(preparations, (list, tuple)):
        raise LadderError(f"{key}.preparations", "should be a list of names")
    steps = tuple(_known(step, PREPARATIONS, f"{key}.preparations", "preparation") for step in preparations)
    dpi = _parse_dpi(f"{key}.dpi", table.get("dpi"))
    options = dict(_table(f"{key}.options", table.get("options", {})))
    name = table.get("name") or "+".join([*steps, *([f"{dpi}dpi"] if dpi else []), *options]) or PLAIN.name
    if not isinstance(name, str) or len(name) > 80:
        raise LadderError(f"{key}.name", "should be a text of at most 80 characters")
    return Variation(name, dpi, steps, options)


def _parse_dpi(key: str, dpi: Any) -> int | None:
    if dpi is None:
        return None
    if not isinstance(dpi, int) or isinstance(dpi, bool) or not _LEAST_DPI <= dpi <= _MOST_DPI:
        raise LadderError(key, f"should be a whole number from {_LEAST_DPI} to {_MOST_DPI}")
    return dpi


def _table(key: str, item: Any) -> Mapping[str, Any]:
    if not isinstance(item, Mapping):
        raise LadderError(key, "should be a table")
    return item


def _known(word: Any, words: Collection[str], key: str, what: str) -> str:
    if isinstance(word, str) and word in words:
        return word
    close = difflib.get_close_matches(str(word)[:80], sorted(words), n=1, cutoff=0.5)
    raise LadderError(key, f"{what} {str(word)[:40]!r} is unknown", close[0] if close else None)
