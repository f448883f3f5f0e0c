"""What `bocr doctor` looks at. Every check answers, whatever it finds; none changes anything."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bocr_tui.config.check import BAD, DOUBTFUL, GOOD, Check
from bocr_tui.config.engine_words import needs
from bocr_tui.config.engines import engine_specs
from bocr_tui.config.errors import BocrError
from bocr_tui.config.model import Config
from bocr_worker.engines import tesseract

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace
    from bocr_worker.engines.base import EngineSpec

LITTLE_DISK_BYTES = 2_000_000_000
"""Results of some hundred thousand pages; below this an import of an archive is likely to stop half-way."""

LITTLE_MEMORY_BYTES = 2_000_000_000
"""One engine process with its model, a page being drawn, and the rest of the machine."""

DEFAULT_LANGUAGES = ("fr", "ar")


def all_checks(workspace: Workspace | None) -> list[Check]:
    """In the order a person would mend them. Without a workspace the current folder's disk is looked at."""
    place = workspace.root if workspace else Path.cwd()
    checks = [_python(), *_machine(), _disk(place), _filesystem(place)]
    checks += _workspace(workspace) if workspace else [Check("workspace", DOUBTFUL, "none here", "bocr init")]
    return [*checks, *engine_checks(workspace), *language_checks(_languages(workspace))]


def _languages(workspace: Workspace | None) -> tuple[str, ...]:
    try:
        return workspace.config.languages if workspace else DEFAULT_LANGUAGES
    except BocrError:
        return DEFAULT_LANGUAGES


def _python() -> Check:
    said = f"{platform.python_implementation()} {platform.python_version()} at {sys.executable}"
    return Check("python", GOOD, f"{said}, SQLite {sqlite3.sqlite_version}")


def _machine() -> Iterator[Check]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Check("cores", GOOD, str(cores))
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        yield Check("memory", DOUBTFUL, "unknown on this system")
        return
    said = f"{memory / 1e9:.1f} GB"
    if memory < LITTLE_MEMORY_BYTES:
        yield Check("memory", DOUBTFUL, said, "Set processes = 1 for each stage in bocr.toml.")
    else:
        yield Check("memory", GOOD, said)


def _disk(place: Path) -> Check:
    free = shutil.disk_usage(place).free
    said = f"{free / 1e9:.1f} GB free at {place}"
    if free < LITTLE_DISK_BYTES:
        return Check("disk", DOUBTFUL, said, "Free some space, or `bocr clean` what is no longer needed.")
    return Check("disk", GOOD, said)


def _filesystem(place: Path) -> Check:
    from bocr_tui.catalog.filesystem import network_filesystem

    kind = network_filesystem(place)
    if kind is None:
        return Check("filesystem", GOOD, f"{place} is on a local file system")
    step = "Keep the workspace on a local disk; documents may lie anywhere."
    return Check("filesystem", BAD, f"{place} is on {kind}, where the catalog is not safe", step)


def _workspace(workspace: Workspace) -> Iterator[Check]:
    if not os.access(workspace.root, os.W_OK):
        step = "Mend its permissions. Until then it can only be looked at."
        yield Check("workspace", BAD, f"{workspace.root} cannot be written", step)
    yield _configuration(workspace)
    if not workspace.catalog_path.exists():
        yield Check("catalog", GOOD, "none yet", "")
        return
    yield _catalog(workspace.catalog_path)


def _configuration(workspace: Workspace) -> Check:
    from bocr_tui.control.pipeline import build_pipeline

    try:
        pipeline = build_pipeline(workspace.config)
    except BocrError as error:
        return Check("configuration", BAD, error.cause, error.next_step)
    stages = ", then ".join(stage.engine.name for stage in pipeline.stages)
    return Check("configuration", GOOD, f"{workspace.config_path}: {stages}")


def _catalog(path: Path) -> Check:
    """Opens it as every command does, and has SQLite check each row and index."""
    from bocr_tui.catalog.database import open_catalog

    try:
        catalog = open_catalog(path, create=False)
        try:
            with catalog.reading() as connection:
                found = connection.exec_driver_sql("PRAGMA integrity_check(5)").scalars().all()
                loose = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        finally:
            catalog.close()
    except BocrError as error:
        return Check("catalog", BAD, error.cause, error.next_step)
    if list(found) != ["ok"] or loose:
        said = (
            "; ".join(map(str, found)) if list(found) != ["ok"] else f"{len(loose)} rows without their parent"
        )
        return Check("catalog", BAD, f"{path}: {said}", "Put a backup in its place.")
    return Check("catalog", GOOD, f"{path}: sound")


def engine_checks(workspace: Workspace | None) -> Iterator[Check]:
    """Every engine, the workspace's own among them. That a model cannot run on this machine is worth a note
    only where its jobs would: the others wait for a site."""
    specs, here = _engines_of(workspace)
    for name, spec in sorted(specs.items()):
        missing = spec.check()
        if missing is None:
            reads = _reads(spec)
            languages = "every language" if reads is None else ", ".join(sorted(reads))
            yield Check(f"engine {name}", GOOD, f"{spec.title}: {languages}")
        elif spec.vision is not None and name not in here:
            yield Check(f"engine {name}", GOOD, f"{spec.title}, on a site: {needs(spec)}")
        else:
            yield Check(f"engine {name}", DOUBTFUL, missing.cause, missing.needs)


def _engines_of(workspace: Workspace | None) -> tuple[dict[str, EngineSpec], set[str]]:
    """By name, and the names of those that jobs on this machine would run."""
    from bocr_worker.engines.registry import all_engines

    try:
        config = workspace.config if workspace else Config()
        specs = engine_specs(config)
    except BocrError:
        return all_engines(), set()  # the check of the configuration says why
    place = config.sites[config.site] if config.site in config.sites else config.sites["local"]
    if (place.transport, place.scheduler) != ("local", "direct"):
        return specs, set()
    stages = place.pipeline or config.pipeline
    return specs, {stage if isinstance(stage, str) else stage.engine for stage in stages}


def language_checks(languages: Sequence[str]) -> Iterator[Check]:
    """Whether some engine here reads each of the languages, and what it costs where none does."""
    from bocr_worker.engines.registry import all_engines

    usable = {name: _reads(spec) for name, spec in sorted(all_engines().items()) if spec.check() is None}
    usable.pop("noop", None)
    for language in languages:
        readers = [name for name, reads in usable.items() if reads is None or language in reads]
        if readers:
            yield Check(f"language {language}", GOOD, f"read by {', '.join(readers)}")
        else:
            cost = f"no engine here reads it: pages in it end gave_up ({_TITLES.get(language, language)})"
            yield Check(f"language {language}", DOUBTFUL, cost, _install(language))
    if "tesseract" in usable and "osd" not in tesseract.installed_packs():
        said = "without its pack osd pages lying on their side are found later"
        yield Check("tesseract", DOUBTFUL, said, "apt install tesseract-ocr-osd")


_TITLES = {"ar": "Arabic", "fr": "French"}


def _reads(spec: EngineSpec) -> frozenset[str] | None:
    """What an engine reads on this machine; None: everything."""
    return tesseract.available_languages() if spec.name == "tesseract" else spec.languages


def _install(language: str) -> str:
    pack = tesseract.CODES.get(language)
    if pack is None:
        return "No engine that bocr knows reads it."
    return f"apt install tesseract-ocr tesseract-ocr-{pack} (macOS: brew install tesseract tesseract-lang)"
