"""A campaign on a site whose scheduler says what a test wants it to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bocr_tui.config.errors import SiteError
from bocr_tui.control.driver import Driver
from bocr_tui.control.events import ControlEvent
from bocr_tui.control.orders import submit_batches
from bocr_tui.control.site_driver import SiteDriver
from bocr_tui.sites.scheduler.base import Accepted, JobView, Look, ScriptOrder, Submission, SubmitOrder
from bocr_tui.sites.scheduler.pbs.states import cause_in_log
from bocr_tui.sites.site import Patience, Site
from bocr_tui.sites.transport.local import LocalTransport
from bocr_worker.protocol.exit_report import ExitReport, dump_exit_report
from tests.control.campaigns import Campaign, make_campaign
from tests.control.test_rounds import CHAINED
from tests.papers import make_pdf


@dataclass
class Puppet:
    """A scheduler whose answers the test sets; it takes every job unless `refusals` says otherwise."""

    refusals: list[Submission] = field(default_factory=list)
    views: dict[str, JobView] = field(default_factory=dict)
    problem: str = ""
    did: list[tuple[object, ...]] = field(default_factory=list)
    hang: asyncio.Event | None = None
    refuse_hold: str = ""
    refuse_stop: str = ""
    refuse_release: str = ""

    @property
    def chains(self) -> bool:
        return True

    def script(self, order: ScriptOrder) -> bytes:
        return b"#!/bin/sh\n"

    async def submit(self, orders: Sequence[SubmitOrder]) -> list[Submission]:
        return [self._submit(order) for order in orders]

    def _submit(self, order: SubmitOrder) -> Submission:
        self.did.append(("submit", order.token, order.held, order.after))
        return self.refusals.pop(0) if self.refusals else Accepted(f"{order.token}.pbs")

    async def look(self, jobs: Mapping[str, str]) -> Look:
        self.did.append(("look",))
        if self.hang is not None:
            await self.hang.wait()
        return Look(problem=self.problem) if self.problem else Look(dict(self.views))

    def cause_in_log(self, text: str) -> tuple[str, str] | None:
        return cause_in_log(text)

    async def stop(self, token: str, scheduler_id: str | None, *, force: bool) -> None:
        self.did.append(("stop", token, force))
        if self.refuse_stop:
            raise SiteError(self.refuse_stop)

    async def hold(self, token: str, scheduler_id: str) -> None:
        if self.refuse_hold:
            raise SiteError(self.refuse_hold)
        self.did.append(("hold", token))

    async def release(self, jobs: Mapping[str, str]) -> None:
        if self.refuse_release:
            raise SiteError(self.refuse_release)
        self.did.append(("release", *jobs))

    def of(self, kind: str) -> list[tuple[object, ...]]:
        return [entry[1:] for entry in self.did if entry[0] == kind]


class Stage:
    """A campaign of one chain of two jobs on a site with a puppet."""

    def __init__(self, folder: Path) -> None:
        self.campaign: Campaign = make_campaign(folder, CHAINED)
        self.batch = self.campaign.add(make_pdf(folder / "a.pdf", 3), 3)
        submit_batches(self.campaign.catalog, self.campaign.config, [self.batch])
        self.puppet = Puppet()
        self.told: list[ControlEvent] = []
        self.root = folder / "site"
        self.books = Driver(self.campaign.workspace, self.campaign.catalog, on_event=self.told.append)
        self.site = Site(
            "cluster",
            self.campaign.config.sites["cluster"],
            LocalTransport(self.root),
            self.puppet,
            poll_s=0.0,
            look_s=0.0,
            look_most_s=0.0,
            patience=Patience(report_s=0.0, ended_s=0.0, unknown_s=0.0, unknown_apart_s=0.0),
        )
        self.driver = SiteDriver(self.campaign.workspace, self.campaign.catalog, self.site, self.books)

    async def ticks(self, count: int = 1) -> None:
        for _ in range(count):
            await self.driver.tick()

    def again(self, **changes: object) -> None:
        """A driver that knows nothing of the one before."""
        self.site = replace(self.site, **changes)  # type: ignore[arg-type]
        self.driver = SiteDriver(self.campaign.workspace, self.campaign.catalog, self.site, self.books)

    def tokens(self) -> list[str]:
        return [str(row[0]) for row in self.campaign.rows("SELECT token FROM job ORDER BY id")]

    def states(self) -> list[str]:
        return [str(row[0]) for row in self.campaign.rows("SELECT state FROM job ORDER BY id")]

    def report(self, token: str, outcome: str) -> None:
        report = ExitReport(token=token, outcome=outcome)
        (self.root / "runs" / token / "exit.json").write_bytes(dump_exit_report(report))

    def see(self, *views: JobView) -> None:
        self.puppet.views = dict(zip(self.tokens(), views, strict=False))
