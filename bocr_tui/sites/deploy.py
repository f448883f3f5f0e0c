"""What a job needs on a site beside its run folder: the worker, once for each version of it, and what the
engine's environment lacks."""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass
from functools import cache
from weakref import WeakKeyDictionary

from bocr_tui.config.errors import SiteError
from bocr_tui.config.resources import worker_source
from bocr_tui.sites.environments import (
    OLDEST_PYTHON,
    EnvironmentFacts,
    environment_key,
    environment_of,
    probe_environment,
)
from bocr_tui.sites.site import Site
from bocr_tui.sites.transport.base import Transport
from bocr_tui.sites.vendor import Tell, bring, lacking, requirements_of
from bocr_worker import __version__

_ENTRY = b"""from bocr_worker.__main__ import main

raise SystemExit(main())
"""


@cache
def worker_files() -> dict[str, bytes]:
    """The worker's source by relative path, with a `__main__.py` that makes its folder runnable."""
    source = worker_source()
    files = {
        f"bocr_worker/{path.relative_to(source).as_posix()}": path.read_bytes()
        for path in sorted(source.rglob("*.py"))
    }
    return {"__main__.py": _ENTRY, **files}


@cache
def worker_folder() -> str:
    """`workers/<version>-<hash>`, below a site's root: the hash is of every file's name and bytes."""
    digest = hashlib.sha256()
    for name, data in worker_files().items():
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return f"workers/{__version__}-{digest.hexdigest()[:16]}"


async def deploy_worker(transport: Transport) -> str:
    """Put the worker on the site unless it is there, whole. Returns its folder below the root."""
    worker, _ = await _look(transport, "")
    return worker


@dataclass(frozen=True)
class Prepared:
    """Folders below the site's root: the worker's, and that of what an engine's environment lacks ("" where
    it lacks nothing)."""

    worker: str
    vendor: str


BELIEVED_S = 3600.0
"""How long a process believes that what it prepared is still there: scratch file systems purge files."""

_known: WeakKeyDictionary[Transport, dict[str, tuple[float, Prepared]]] = WeakKeyDictionary()
_locks: WeakKeyDictionary[Transport, asyncio.Lock] = WeakKeyDictionary()


async def prepare(site: Site, engine: str, tell: Tell, *, afresh: bool = False) -> Prepared:
    """Bring to the site what a job with this engine needs beside its run folder, and lacks there.

    No round trip within an hour of the last time, one where everything is there. The first time takes as
    long as the environment takes to be entered, and what it lacks to be fetched and sent; `tell` is told
    then. `afresh`: believe nothing that is remembered of the environment. Raises SiteError with what is
    wrong with the environment, or could not be fetched.
    """
    known = _known.setdefault(site.transport, {})
    async with _locks.setdefault(site.transport, asyncio.Lock()):
        at_s, prepared = known.get(engine, (0.0, None))
        if prepared is not None and time.monotonic() < at_s + BELIEVED_S and not afresh:
            return prepared
        prepared = await _prepare(site, engine, tell, afresh)
        known[engine] = (time.monotonic(), prepared)
        return prepared


def forget_prepared(transport: Transport) -> None:
    """Look again the next time: what was brought may have been removed."""
    _known.pop(transport, None)


async def _prepare(site: Site, engine: str, tell: Tell, afresh: bool) -> Prepared:
    config, transport = site.config, site.transport
    if config.transport == "local" and engine not in config.environments and not config.python:
        return Prepared(await deploy_worker(transport), "")  # this Python, which has what it needs
    requirements = requirements_of(engine)
    key = environment_key(config, engine, requirements)
    worker, remembered = await _look(transport, key)
    if remembered is not None and not afresh:
        return Prepared(worker, remembered)
    tell(f"Preparing the environment for {engine}")
    facts = await probe_environment(transport, config, engine)
    vendor = await _vendor(site, engine, facts, requirements, tell)
    facts = await probe_environment(transport, config, engine, worker=worker, vendor=vendor)
    _check_imports(engine, facts)
    record = {"stamps": dict(facts.stamps), "vendor": vendor, "python": facts.python, "engine": engine}
    await transport.call("remember_environment", key, record)
    return Prepared(worker, vendor)


async def _vendor(
    site: Site, engine: str, facts: EnvironmentFacts, requirements: tuple[str, ...], tell: Tell
) -> str:
    if facts.version < OLDEST_PYTHON:
        raise SiteError(
            f"The environment for {engine} has Python {facts.python}.",
            "bocr's worker needs 3.10 or later: name another in its `python`, or activate another.",
        )
    lack = lacking(facts, requirements)
    if lack.unfit:
        raise SiteError(
            f"The environment for {engine} has {'; '.join(lack.unfit)}.",
            "Its own packages come first, so another environment is needed.",
        )
    if not lack.missing:
        return ""
    if not environment_of(site.config, engine).vendor:
        raise SiteError(
            f"The environment for {engine} lacks {', '.join(lack.missing)}.",
            "Set its `vendor` to true and bocr brings it in a folder of its own.",
        )
    return await bring(site.transport, site.config, engine, facts, lack, tell)


def _check_imports(engine: str, facts: EnvironmentFacts) -> None:
    """What the engine itself needs may only be on a computing node; drawing pages must work anywhere."""
    fitness = facts.fitness
    if fitness is None or fitness.error:
        said = fitness.error if fitness else "it was not asked"
        raise SiteError(
            f"The worker does not start in the environment for {engine}: {said}.", "See bocr doctor."
        )
    if fitness.broken:
        raise SiteError(f"The environment for {engine}: {fitness.broken}.", "Mend it, or use another.")


async def _look(transport: Transport, key: str) -> tuple[str, str | None]:
    """The worker's folder, now whole, and the remembered vendor folder under this key."""
    folder, files = worker_folder(), worker_files()
    sizes = {name: len(data) for name, data in files.items()}
    answer = await transport.call("look_prepared", folder, sizes, key)
    damaged = [str(name) for name in answer["worker"]]
    if damaged == [""]:
        await transport.stage({folder: files})
    elif damaged:
        lost = {name: files[name] for name in damaged if name in files}
        await transport.call("mend_folder", folder, lost)
    remembered = answer["environment"]
    return folder, None if remembered is None else str(remembered["vendor"])
