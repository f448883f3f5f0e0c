"""The job script for PBS: what stands in its `#PBS` lines is checked once more, since those are no shell.

`qsub` gets the rest as arguments where the run's folder is known (helper/pbs_qsub.py): the name again, the
dependency, the hold, and where PBS's own output goes.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from bocr_tui.config.errors import ConfigError
from bocr_tui.config.model import EnvironmentConfig, PbsConfig, SiteConfig
from bocr_tui.sites.environments import environment_of, python_command, shell_lines
from bocr_tui.sites.scheduler.base import ScriptOrder
from bocr_tui.sites.templates import render_template

SPLIT = "split"
"""The stage that only draws pages; it has settings of its own."""

_TOKEN = re.compile(r"[a-z][a-z0-9]{0,14}")
_FOLDER = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._/+-]*")
_NAME = re.compile(r"[A-Za-z0-9_.@+][A-Za-z0-9_.@+-]*")
_CHECKS = {
    "queue": _NAME,
    "account": _NAME,
    "project": _NAME,
    "select": re.compile(r"[A-Za-z0-9_.:=+-]+"),
    "walltime": re.compile(r"[0-9]{1,4}:[0-5][0-9]:[0-5][0-9]"),
    "directives": re.compile(
        r"-l (?!(select|nodes|walltime)=)[A-Za-z0-9_]+=[A-Za-z0-9_.:=+@-]+|-p -?[0-9]{1,4}|-m [abenj]+"
        r"|-M [A-Za-z0-9_.@+-]+|-W (x|group_list)=[A-Za-z0-9_.:=+@-]+"
    ),
}
"""By setting of a [pbs] table: ASCII without blanks, commas or line ends."""

_OPTIONS = {
    "queue": "-q {}",
    "select": "-l select={}",
    "walltime": "-l walltime={}",
    "account": "-A {}",
    "project": "-P {}",
}


def render_script(order: ScriptOrder, templates: tuple[Path, ...]) -> bytes:
    """job.sh. Raises ConfigError naming the setting that PBS would not take."""
    if not _TOKEN.fullmatch(order.token):
        raise ValueError(f"{order.token!r} is no token")
    for folder in (order.worker, order.vendor):
        if folder and not _FOLDER.fullmatch(folder):
            raise ValueError(f"{folder!r} is no folder below a site's root")
    site = _site_of(order)
    script = render_template(
        "pbs/job.sh.j2",
        templates,
        token=order.token,
        directives=list(directives(order.token, _pbs_of(site, order.engine))),
        lines=shell_lines(site, order.engine),
        python=shlex.quote(python_command(site, order.engine)),
        worker=shlex.quote(order.worker),
        vendor=shlex.quote(order.vendor) if order.vendor else "",
        cores=site.cores,
    )
    if b"\r" in script or b"\0" in script:
        raise ConfigError(
            "The job script for PBS would have carriage returns in it, and could not run.",
            "Save job_templates/pbs/job.sh.j2 and bocr.toml with plain line ends.",
        )
    return script


def directives(token: str, pbs: PbsConfig) -> Iterator[str]:
    """The `#PBS` lines, without `#PBS`. Raises ConfigError."""
    yield f"-N {token}"
    for setting, option in _OPTIONS.items():
        value = getattr(pbs, setting)
        if value:
            yield option.format(_checked(setting, value))
    yield "-r n"
    yield "-W umask=077"
    yield "-j oe"
    for directive in pbs.directives:
        yield _checked("directives", directive)


def _checked(setting: str, value: str) -> str:
    if not _CHECKS[setting].fullmatch(value):
        raise ConfigError(
            f"{value!r} for {setting} in a [pbs] table is nothing that a #PBS line can hold.",
            "Use plain letters, digits and the signs shown in docs/configuration.md; no blanks or commas.",
        )
    return value


def _site_of(order: ScriptOrder) -> SiteConfig:
    """The site with the split stage's environment where that is asked for."""
    if order.engine != SPLIT or order.site.split is None:
        return order.site
    environments: dict[str, EnvironmentConfig] = {
        **order.site.environments,
        SPLIT: order.site.split.environment,
    }
    return order.site.model_copy(update={"environments": environments})


def _pbs_of(site: SiteConfig, engine: str) -> PbsConfig:
    if engine == SPLIT and site.split is not None:
        return site.split.pbs
    return environment_of(site, engine).pbs or site.pbs
