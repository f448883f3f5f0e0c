"""The worker on its way to a site: its source, once for each version of it."""

from __future__ import annotations

import hashlib
from functools import cache

from bocr_tui.config.resources import worker_source
from bocr_tui.sites.transport.base import Transport

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
    """`workers/<hash>`, below a site's root: the hash is of every file's name and bytes."""
    digest = hashlib.sha256()
    for name, data in worker_files().items():
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return f"workers/{digest.hexdigest()[:16]}"


async def deploy_worker(transport: Transport) -> str:
    """Put the worker on the site unless it is there. Returns its folder below the root."""
    folder = worker_folder()
    await transport.stage({folder: worker_files()})
    return folder
