"""Adding sites to bocr.toml, naming them, taking them out again."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bocr_tui.cli.output import note, safe, say, show, table, write_json
from bocr_tui.cli.site_questions import Said, site_settings
from bocr_tui.config.check import BAD
from bocr_tui.config.errors import Busy, UsageError
from bocr_tui.config.model import SITE_NAME, Config, SiteConfig, load_config
from bocr_tui.config.workspace import Workspace

if TYPE_CHECKING:
    from bocr_tui.catalog.lists import Reader
    from bocr_tui.cli.call import Call
    from bocr_tui.config.check import Check

_LIVING = (
    "SELECT site, count(*) FROM job WHERE state NOT IN ('finished', 'lost', 'cancelled', 'rejected')"
    " GROUP BY site"
)
_THERE_ALONE = "SELECT count(DISTINCT document_id) FROM source WHERE site = ? AND state = 'present'"


def add_site(
    call: Call, workspace: Workspace, name: str, said: Said, *, default: bool, test: bool, yes: bool
) -> list[Check]:
    """Write the site into bocr.toml, then test it. Returns what was found. Raises UsageError or ConfigError
    for what cannot be; then nothing was written."""
    from bocr_tui.config.editing import with_site, write_config

    before = workspace.config_path.read_text(encoding="utf-8")
    _check_name(name, workspace.config, before)
    settings = site_settings(name, said, ask=not yes and sys.stdin.isatty() and sys.stderr.isatty())
    text = with_site(before, name, settings, default=default, where=str(workspace.config_path))
    write_config(workspace.config_path, text)
    written = Workspace(workspace.root)
    if not call.json:
        say(safe(f"Site {name} is in {written.config_path}:"))
        for line in with_site("", name, settings, default=False, where="").splitlines():
            say(f"  {safe(line)}")
    checks = _tested(call, written, name) if test else []
    if call.json:
        write_json(
            {"site": name, "file": str(written.config_path), "settings": settings, "checks": _records(checks)}
        )
    elif any(check.state == BAD for check in checks):
        note(f"The site stays in bocr.toml. When that is mended: `bocr doctor {name}`.")
    elif test:
        note(f"`bocr doctor {name}` brings there what is missing, and submits a test job.")
    else:
        note(f"`bocr doctor {name}` tests it.")
    return checks


def _check_name(name: str, config: Config, text: str) -> None:
    if not re.fullmatch(SITE_NAME, name):
        raise UsageError(f"{name!r} is no name for a site.", "Use letters, digits, - and _; at most 40.")
    import tomllib

    if name in tomllib.loads(text).get("sites", {}):
        raise UsageError(
            f"There is a site {name} already.", "Edit it in bocr.toml, or `bocr site remove` it first."
        )
    del config


def _tested(call: Call, workspace: Workspace, name: str) -> list[Check]:
    from bocr_tui.cli.site_doctor import examine_quickly

    if not call.json:
        say("")
    return examine_quickly(workspace, name, quiet=call.json)


def _records(checks: list[Check]) -> list[dict[str, Any]]:
    from dataclasses import asdict

    return [asdict(check) for check in checks]


def list_sites(call: Call, workspace: Workspace) -> None:
    """As a table, or as JSON."""
    living = _living(workspace)
    config = workspace.config
    if call.json:
        write_json([_record(name, site, config, living) for name, site in config.sites.items()])
        return
    rows = [
        (
            f"{name} *" if name == config.site else name,
            _where(site),
            site.root,
            site.scheduler,
            site.pbs.queue,
            ", ".join(site.environments),
            living.get(name, 0),
        )
        for name, site in config.sites.items()
    ]
    columns = ("Site", "Where", "Root", "Scheduler", "Queue", "Environments", "Jobs")
    show(table("", columns, rows, numbers=("Jobs",)))
    say("* work goes there when no site is named. `bocr sites` says how they are connected.")


def _where(site: SiteConfig) -> str:
    return (
        "this machine" if site.transport == "local" else f"{site.user + '@' if site.user else ''}{site.host}"
    )


def _record(name: str, site: SiteConfig, config: Config, living: Mapping[str, int]) -> dict[str, Any]:
    return {
        "site": name,
        "default": name == config.site,
        "transport": site.transport,
        "host": site.host,
        "root": site.root,
        "scheduler": site.scheduler,
        "queue": site.pbs.queue,
        "environments": list(site.environments),
        "jobs": living.get(name, 0),
    }


def remove_site(call: Call, workspace: Workspace, name: str, *, yes: bool) -> None:
    """Raises Busy while jobs live there, UsageError where documents would lie out of reach and nobody said
    yes to that."""
    from bocr_tui.config.editing import without_site, write_config

    jobs = _living(workspace).get(name, 0)
    if jobs:
        raise Busy(f"{_counted(jobs, 'job')} live on {name}.", "Wait for them, or `bocr cancel` them.")
    alone = _there_alone(workspace, name)
    if alone and not yes:
        said = f"{_counted(alone, 'document')} of this workspace lie on {name}, then out of reach."
        raise UsageError(said, "Say --yes to take the site out all the same.")
    text = workspace.config_path.read_text(encoding="utf-8")
    changed = without_site(text, name, where=str(workspace.config_path))
    write_config(workspace.config_path, changed)
    left = load_config(workspace.config_path)
    if call.json:
        write_json({"site": name, "removed": True, "default": left.site})
        return
    say(safe(f"Site {name} is out of {workspace.config_path}; what lies there stays there."))
    if left.site != workspace.config.site:
        say(f"Work now goes to {left.site} when no site is named.")


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _reader(workspace: Workspace) -> Reader | None:
    from bocr_tui.catalog.lists import open_reader

    return open_reader(workspace.catalog_path) if workspace.catalog_path.exists() else None


def _living(workspace: Workspace) -> dict[str, int]:
    reader = _reader(workspace)
    if reader is None:
        return {}
    try:
        with reader.snapshot() as connection:
            return dict(connection.execute(_LIVING))
    finally:
        reader.close()


def _there_alone(workspace: Workspace, name: str) -> int:
    reader = _reader(workspace)
    if reader is None:
        return 0
    try:
        with reader.snapshot() as connection:
            return int(connection.execute(_THERE_ALONE, (name,)).fetchone()[0])
    finally:
        reader.close()
