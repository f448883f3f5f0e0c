"""The files the package ships: job templates and samples.

In a wheel they lie in `bocr_tui/_data`, in a checkout at its top.
"""

from __future__ import annotations

from pathlib import Path

from bocr_tui.config.errors import BocrError

_PACKAGE = Path(__file__).resolve().parent.parent


def resource(name: str) -> Path:
    """The folder or file `name` (`samples`, `job_templates`). Raises BocrError when the installation lacks
    it."""
    for root in (_PACKAGE / "_data", _PACKAGE.parent):
        if (root / name).exists():
            return root / name
    raise BocrError(f"This installation of bocr lacks its {name}.", "Install it again.")


def worker_source() -> Path:
    """The folder of the package `bocr_worker`, which is deployed to sites as it is."""
    import bocr_worker

    return Path(next(iter(bocr_worker.__path__))).resolve()
