"""Jobs that were moved to another PBS server: asked after there, since the first one only says that it has
sent them on.

The first server may say so for ever, also of a job that has long ended. The other one is asked as `qstat
ID@SERVER` (qstat(1B)). What it does not answer is no information. An answer that names the very server that
was asked is the first one's, whom the client asks where the other knows no such job.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from bocr_tui.sites.scheduler.base import JobView, Look

MOST_ASKED = 4
"""Of one server at a time: so few are asked by their ids alone (helper/pbs_look.py)."""

Ask = Callable[[Mapping[str, str]], Awaitable[Mapping[str, JobView]]]
"""The views of jobs ({token: id}); none where nothing was learnt."""


class MovedJobs:
    """Of one scheduler. It remembers where each job is, and whether that server ever spoke of it."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._at: dict[str, str] = {}
        self._heard: set[str] = set()

    async def follow(self, jobs: Mapping[str, str], look: Look) -> Look:
        """What the first server said, with the other servers' word on what it has sent on to them. Raises
        what asking raises."""
        views = dict(look.views)
        self._at = {token: server for token, server in self._at.items() if token in jobs}
        self._heard &= self._at.keys()
        for token, view in look.views.items():
            if view.moved_to:
                self._at.setdefault(token, view.moved_to)
            elif view.state != "unknown":
                self._at.pop(token, None)  # it is back
        for server in sorted(set(self._at.values())):
            there = [token for token, at in self._at.items() if at == server]
            asked = {token: f"{jobs[token]}@{server}" for token in there[:MOST_ASKED]}
            said = await self._ask(asked)
            for token in there:
                self._take(views, token, server, said.get(token))
            for token in asked:
                self._at[token] = self._at.pop(token)  # the others' turn
        return Look(views, look.problem)

    def _take(self, views: dict[str, JobView], token: str, server: str, said: JobView | None) -> None:
        if said is None:
            first = views.get(token)
            if first is not None and (first.state == "unknown" or token in self._heard):
                del views[token]  # it would know nothing of it either way
            return
        self._heard.add(token)
        if said.state == "unknown" or said.moved_to == server:
            said = JobView("unknown", None, f"moved to {server}, which knows no such job", moved_to=server)
        elif said.moved_to:
            self._at[token] = said.moved_to
        views[token] = said
