"""What an engine is: a name, what it can read, and a reader that a runtime loads.

A new engine is one file in this folder that defines `SPEC`. The file may import anything inside its
functions, and only the standard library and this package at its top, because the registry imports every
engine's file to know what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from bocr_worker.protocol.recognition import Recognition

if TYPE_CHECKING:
    from bocr_worker.engines.vision.base import VisionEngine


@dataclass(frozen=True)
class PageImage:
    """One image for an engine: PNG or JPEG bytes, grayscale or RGB, upright as displayed.

    After a preparation step a page may come as several images, in reading order.
    """

    encoded: bytes
    format: str
    width_px: int
    height_px: int
    dpi: float


@dataclass(frozen=True)
class Ask:
    """One question to an engine. `languages` are candidates, the likeliest first (empty: anything the
    engine reads); `binding` says that only the first may be used. `options` come from the variation."""

    image: PageImage
    languages: tuple[str, ...] = ()
    binding: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


class EngineUnavailable(RuntimeError):
    """The engine cannot run here. `needs` is the next step, as a sentence or a command."""

    def __init__(self, engine: str, cause: str, needs: str) -> None:
        super().__init__(f"engine {engine}: {cause}. {needs}")
        self.engine = engine
        self.cause = cause
        self.needs = needs

    def __reduce__(self) -> tuple[Any, ...]:
        return (EngineUnavailable, (self.engine, self.cause, self.needs))


class Reader(Protocol):
    """A loaded engine inside one process: asked for one image at a time. Boxes of its recognitions are
    fractions of the image it was given; the caller maps them to the page."""

    @property
    def version(self) -> str:
        """The library's version, for the provenance."""
        ...

    @property
    def weights(self) -> str:
        """What model was read with: names, and hashes or versions where they are known."""
        ...

    def read(self, ask: Ask) -> Recognition:
        """May raise anything: the runtime turns it into a typed failure of this page."""
        ...


@dataclass(frozen=True)
class EngineSpec:
    """What the registry knows of an engine without loading it.

    `languages` are ISO 639-1 codes it reads, None for all. `dpi` is the resolution it reads best at;
    `least_side_px` raises it for small pages, so that no side is shorter, and `max_pixels` is the largest
    image it is given, whatever the two say. `load(options, threads)` builds a Reader inside a child
    process.
    `check()` returns None where the engine can run, else the EngineUnavailable that says what is missing,
    without loading models. `processes_for(cores)` says how many children by default, with how many threads
    each.
    """

    name: str
    title: str
    languages: frozenset[str] | None
    dpi: int
    load: Callable[[Mapping[str, Any], int], Reader]
    check: Callable[[], EngineUnavailable | None]
    processes_for: Callable[[int], tuple[int, int]] = lambda cores: (cores, 1)
    max_pixels: int = 12_000_000
    least_side_px: int = 0
    runtime: str = "local"
    gives_confidence: bool = True
    gives_boxes: bool = True
    first: tuple[str, ...] = ()
    """Preparations its plain variation applies."""
    packages: tuple[str, ...] = ()
    """What it imports, as requirements; bocr may bring these to a site whose environment lacks them."""
    leave_out: tuple[str, ...] = ()
    """What `packages` ask for in their turn and the engine never imports: not brought to any site."""
    available_languages: Callable[[], frozenset[str]] | None = None
    """Which of `languages` can be read where this runs, for an engine whose languages are installed one by
    one; None: all of them. Starts a program, so ask once."""
    vision: VisionEngine | None = None
    """Of a vision-language model: how a server or a library in process is asked for a page. None for
    engines that `load` makes."""
    options: Mapping[str, Callable[[str, Any], Any]] = field(default_factory=dict)
    """Of an engine that `load` makes: what its order and a rung may say, by name. Each is given the name and
    the value and raises OptionError for one that it cannot mean; library_options has the usual ones."""
