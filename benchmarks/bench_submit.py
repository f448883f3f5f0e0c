"""Submitting many jobs together, against a bare qsub in a loop over one shared connection."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.result import Result
from bocr_tui.control.jobs import living_jobs
from bocr_tui.control.orders import submit_batches
from bocr_tui.control.submitting import Submitter
from bocr_tui.sites.site import Site, open_site
from tests.control.campaigns import Campaign, make_campaign
from tests.papers import make_pdf
from tests.pbs_double import Double
from tests.sites.sshd import HOST, SSHD, Sshd

NAMES = ("submit.rate",)

JOBS = 100
ROUNDS = 3

CONFIG = """
pipeline = ["noop"]
site = "cluster"
[sites.cluster]
transport = "ssh"
host = "{host}"
root = "{root}"
scheduler = "pbs"
pbs_exec = "{pbs_exec}"
python = "{python}"
documents = "in_place"
max_queued = 10000
[sites.cluster.pbs]
queue = "halted"
select = "1:ncpus=1"
walltime = "01:00:00"
"""


def run() -> list[Result]:
    """From both, the time is taken off that the double's own qsub takes, measured in the same run. Nothing
    is measured where OpenSSH's server is not installed."""
    if SSHD is None:
        print("submit.rate needs OpenSSH's server", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory(prefix="bocr-bench-") as name:
        return [asyncio.run(_measure(Path(name)))]


async def _measure(folder: Path) -> Result:
    sshd = Sshd(folder / "sshd")
    os.environ.update(sshd.environment)
    os.environ.pop("SSH_AUTH_SOCK", None)
    sshd.start()
    try:
        with Double.start(folder / "pbs", slots=4) as pbs:
            ratios = []
            for number in range(ROUNDS):
                alone_s = _qsub_alone(pbs, folder)
                bare_s = await _bare(pbs, folder, sshd) - alone_s
                ours_s = await _ours(pbs, folder / f"round{number}", sshd) - alone_s
                ratios.append((ours_s / bare_s, ours_s, bare_s))
    finally:
        sshd.stop()
    ratio, ours_s, bare_s = sorted(ratios)[ROUNDS // 2]
    each_ms = f"{ours_s / JOBS * 1000:.1f} against {bare_s / JOBS * 1000:.1f} ms a job"
    print(f"submit.rate: {each_ms}, qsub's own time taken off", file=sys.stderr)
    return Result("submit.rate", ratio, "ratio", bare_s / JOBS, "lower")


def _script(folder: Path) -> Path:
    path = folder / "job.sh"
    path.write_text("#!/bin/bash\ntrue\n")
    return path


def _qsub_alone(pbs: Double, folder: Path) -> float:
    """What the double needs for so many qsubs, with no link in between."""
    script = str(_script(folder))
    began = time.perf_counter()
    for _ in range(JOBS):
        assert pbs.run("qsub", "-q", "halted", "-N", "bare", script).returncode == 0
    return time.perf_counter() - began


async def _bare(pbs: Double, folder: Path, sshd: Sshd) -> float:
    """`qsub` after `qsub` on one connection, each awaited."""
    import asyncssh

    script = _script(folder)
    known = asyncssh.import_known_hosts((sshd.ssh / "known_hosts").read_text())
    async with asyncssh.connect(HOST, config=[str(sshd.ssh / "config")], known_hosts=known) as connection:
        began = time.perf_counter()
        for _ in range(JOBS):
            done = await connection.run(f"{pbs.pbs_exec}/bin/qsub -q halted -N bare {script}", check=True)
            assert done.stdout
        return time.perf_counter() - began


async def _ours(pbs: Double, folder: Path, sshd: Sshd) -> float:
    """From planned jobs in the catalog to accepted ones, staging and transactions included."""
    campaign = _campaign(pbs, folder, sshd)
    site = open_site(campaign.workspace, "cluster")
    submitter = Submitter(campaign.catalog, site, lambda event: None)
    await _warm(site, submitter, campaign)
    batches = [batch for (batch,) in campaign.rows("SELECT id FROM batch WHERE state = 'planned'")]
    submit_batches(campaign.catalog, campaign.config, [int(str(batch)) for batch in batches])
    began = time.perf_counter()
    while await _advance(submitter, campaign):
        pass
    seconds = time.perf_counter() - began
    assert campaign.scalar("SELECT count(*) FROM job WHERE scheduler_id IS NOT NULL") == JOBS + 1
    await site.transport.close()
    campaign.catalog.close()
    return seconds


async def _warm(site: Site, submitter: Submitter, campaign: Campaign) -> None:
    """Connected, the worker there, the environment known: as after the first job of any session."""
    submit_batches(campaign.catalog, campaign.config, [1])
    while await _advance(submitter, campaign):
        pass


async def _advance(submitter: Submitter, campaign: Campaign) -> bool:
    with campaign.catalog.reading() as connection:
        jobs = living_jobs(connection)
    return await submitter.advance(jobs, _ready)


async def _ready(jobs):  # type: ignore[no-untyped-def]
    return list(jobs)


def _campaign(pbs: Double, folder: Path, sshd: Sshd) -> Campaign:
    folder.mkdir()
    config = CONFIG.format(host=HOST, root=sshd.home / "site", pbs_exec=pbs.pbs_exec, python=sys.executable)
    campaign = make_campaign(folder, config)
    for number in range(JOBS + 1):
        campaign.add(make_pdf(folder / f"{number}.pdf", 1, first=number + 1), 1)
    return campaign
