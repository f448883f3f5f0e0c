"""A campaign with sites that are far away: configured, written of, with jobs, logs and commands."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from sqlalchemy import insert, update

from bocr_tui.catalog import core
from tests.ui.campaign import Campaign

CONFIG = """\
site = "inpt"
[sites.inpt]
transport = "ssh"
host = "login.inpt.example"
scheduler = "pbs"
root = "~/bocr"
[sites.inpt.pbs]
queue = "gpu_1d"
[sites.box]
transport = "ssh"
host = "box.example"
[sites.local]
"""


def add_sites(campaign: Campaign) -> None:
    """`inpt` is connected and has the last batch's two jobs, `box` waits for a person, `local` is this
    machine."""
    campaign.workspace.config_path.write_text(CONFIG, encoding="utf-8")
    now = time.time()
    with campaign.catalog.writing() as connection:
        connection.execute(
            insert(core.site_status),
            [
                status("inpt", link="connected", polled_at=now, looked_at=now),
                status("box", link="paused", reason="The key of box.example is not known."),
            ],
        )
        connection.execute(update(core.job).where(core.job.c.id >= 7).values(site="inpt"))


def status(site: str, **columns: Any) -> dict[str, Any]:
    """A site's row as its driver writes it."""
    base = {"link": "closed", "reason": "", "link_at": 0.0, "look_problem": "", "uploading": "", "facts": {}}
    upload = {"upload_done_bytes": 0, "upload_total_bytes": 0, "upload_bytes_s": 0.0}
    times = {"next_try_at": None, "polled_at": None, "looked_at": None}
    return {"site": site, **base, **upload, **times, **columns}


def set_status(campaign: Campaign, site: str, **columns: Any) -> None:
    with campaign.catalog.writing() as connection:
        row = core.site_status
        connection.execute(update(row).where(row.c.site == site).values(**columns))


def set_job(campaign: Campaign, job_id: int, **columns: Any) -> None:
    with campaign.catalog.writing() as connection:
        connection.execute(update(core.job).where(core.job.c.id == job_id).values(**columns))


def write_log(campaign: Campaign, token: str, data: bytes, name: str = "job.log") -> Path:
    """The mirror of a job's log."""
    path = campaign.workspace.root / "logs" / token / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.with_name(name + ".from").write_text("0")
    return path


def write_commands(campaign: Campaign, *commands: dict[str, Any]) -> None:
    base = {"at": time.time(), "site": "inpt", "command": "poll [2]", "exit": 0, "seconds": 0.2}
    counts = {"sent_bytes": 10, "received_bytes": 2000, "problem": ""}
    with (campaign.workspace.root / "commands.jsonl").open("a", encoding="utf-8") as stream:
        for command in commands:
            stream.write(json.dumps({**base, **counts, **command}) + "\n")
