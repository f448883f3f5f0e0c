"""Chandra's own package: its prompts and its markdown, loaded when they are asked for.

Only `chandra.prompts` and `chandra.output` are imported. Neither needs torch, though version 0.1.8 asks for
it when it is installed; EngineSpec.leave_out keeps that from a site.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata

from bocr_worker.engines.base import EngineUnavailable
from bocr_worker.engines.vision.versions import Versions, parse_version

NAME = "chandra-ocr"

LEAVE_OUT = (
    "torch", "torchvision", "transformers", "accelerate", "qwen-vl-utils", "streamlit", "flask", "openai",
    "click", "filetype",
)  # fmt: skip
"""What its metadata asks for and those two modules do not import."""

_PICTURE = re.compile(r"!\[([^\[\]\n]{0,4000})\]\([0-9a-f]{32}_\d{1,6}_img\.webp\)")


@dataclass(frozen=True)
class Package:
    """What is used of it."""

    prompts: Mapping[str, str]
    to_markdown: Callable[..., str]

    def markdown(self, safe_html: str) -> str:
        """Running heads and feet are text of the page, too; pictures are named, but there are no files of
        them. Empty where the package gave up."""
        written = self.to_markdown(safe_html, include_headers_footers=True, include_images=True)
        return _PICTURE.sub(lambda found: f"![{found[1]}]()" if found[1].strip() else "", written).strip()


class PackagedPrompts(Mapping[str, str]):
    """The prompts' names are known here, their texts when they are asked for: a mapping that raises
    EngineUnavailable where there is no package."""

    def __init__(self, names: tuple[str, ...], load: Callable[[], Package]) -> None:
        self._names = names
        self._load = load

    def __getitem__(self, name: str) -> str:
        if name not in self._names:
            raise KeyError(name)
        return self._load().prompts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def load_package(engine: str, versions: Versions, requirement: str) -> Package:
    """Raises EngineUnavailable where it is missing, of another version, or does not start."""
    try:
        said = metadata.version(NAME)
    except metadata.PackageNotFoundError:
        raise EngineUnavailable(
            engine,
            f"there is no {NAME}, which has its prompts",
            f"Install {requirement}, or let bocr bring it.",
        ) from None
    if not versions.holds(parse_version(said)):
        raise EngineUnavailable(
            engine, f"{NAME} {said} is for another Chandra", f"It needs {requirement} in its environment."
        )
    try:
        from chandra.output import parse_markdown
        from chandra.prompts import PROMPT_MAPPING
    except Exception as error:  # noqa: BLE001 - its settings read the environment, and may trip over what stands there
        cause = f"{NAME} {said} does not start: {type(error).__name__}: {error}"[:500]
        raise EngineUnavailable(engine, cause, f"Mend it, or install {requirement} anew.") from None
    return Package(dict(PROMPT_MAPPING), parse_markdown)
