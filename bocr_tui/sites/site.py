"""A site: a transport, a scheduler and a root, built from its configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bocr_tui.config.errors import ConfigError
from bocr_tui.config.model import SiteConfig
from bocr_tui.config.workspace import Workspace
from bocr_tui.sites.asking import Asker, ask_nobody
from bocr_tui.sites.scheduler.base import Scheduler
from bocr_tui.sites.scheduler.direct import DirectScheduler
from bocr_tui.sites.transport.base import Transport
from bocr_tui.sites.transport.local import LocalTransport

LOCAL_POLL_S, SSH_POLL_S = 0.4, 5.0
"""Reading a few local files costs nothing worth saving; over ssh it costs the login node a process."""

LOOK_S = 30.0
"""Schedulers are shared: administrators ban tools that ask more often."""


LOOK_MOST_S = 300.0
"""How seldom it is asked when nothing moves."""


@dataclass(frozen=True)
class Patience:
    """How long a job that seems gone is waited for, in seconds.

    `report_s`: after its exit report, for the scheduler's word on the cause. `ended_s`: after the
    scheduler's final word, for an exit report that a network filesystem still hides. `unknown_s`: after the
    scheduler's first sound answer that it knows no such job; two such answers must lie `unknown_apart_s`
    apart. `moved_s`: instead of `unknown_s`, where that is the word of a server that it was moved to, which
    may have sent it on.
    """

    report_s: float
    ended_s: float
    unknown_s: float
    unknown_apart_s: float
    moved_s: float = 2 * 3600.0


DIRECT_PATIENCE = Patience(report_s=0.0, ended_s=3.0, unknown_s=3.0, unknown_apart_s=0.0)
PBS_PATIENCE = Patience(report_s=90.0, ended_s=60.0, unknown_s=270.0, unknown_apart_s=120.0)


@dataclass(frozen=True)
class Site:
    """`poll_s` is how often journals are read; the scheduler is asked at most every `look_s` and, where
    nothing moves, every `look_most_s` seconds."""

    name: str
    config: SiteConfig
    transport: Transport
    scheduler: Scheduler
    poll_s: float
    look_s: float
    look_most_s: float
    patience: Patience


def open_site(workspace: Workspace, name: str, asker: Asker = ask_nobody) -> Site:
    """Raises ConfigError for a site that is not configured. Nothing is connected yet; `asker` is asked
    when the connection needs a person."""
    config = workspace.config.sites.get(name)
    if config is None:
        known = ", ".join(sorted(workspace.config.sites)) or "none"
        raise ConfigError(f"There is no site {name}.", f"Sites in bocr.toml: {known}.")
    transport = _transport(workspace, name, config, asker)
    templates = (workspace.root / "job_templates",)
    poll_s = config.poll_s or (LOCAL_POLL_S if config.transport == "local" else SSH_POLL_S)
    if config.scheduler == "pbs":
        from bocr_tui.sites.scheduler.pbs.scheduler import PbsScheduler

        pbs = PbsScheduler(transport, config, templates)
        look_s = config.look_s or LOOK_S
        return Site(name, config, transport, pbs, poll_s, look_s, max(look_s, LOOK_MOST_S), PBS_PATIENCE)
    direct = DirectScheduler(transport, templates)
    look_s = config.look_s or poll_s * 2
    return Site(name, config, transport, direct, poll_s, look_s, look_s, DIRECT_PATIENCE)


def _transport(workspace: Workspace, name: str, config: SiteConfig, asker: Asker) -> Transport:
    if config.transport == "local":
        return LocalTransport(site_root(workspace, config))
    from bocr_tui.sites.transport.ssh.transport import SshTransport

    return SshTransport(name, config, asker, workspace.root / COMMAND_LOG)


COMMAND_LOG = "commands.jsonl"
"""In the workspace: every command sent to a site, append-only (sites/command_log.py)."""


def site_root(workspace: Workspace, config: SiteConfig) -> Path:
    """The folder of a site on this machine."""
    return workspace.root / Path(config.root).expanduser()
