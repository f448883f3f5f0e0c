"""Jobs that wait for others, by the rules of the recordings (and, for what was not recorded, of the
server's source: what happens to dependents of a job that a person deleted before it ran)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tests.pbs_double.jobs import Depend, Job

DEPENDENCY_HOLD = 22
_MIRROR = {
    "after": "before", "afterok": "beforeok", "afternotok": "beforenotok", "afterany": "beforeany",
}  # fmt: skip


class Dependencies:
    def __init__(self, jobs: Mapping[int, Job], server: str) -> None:
        self._jobs = jobs
        self._server = server

    def find(self, job_id: str) -> Job | None:
        number = job_id.partition(".")[0]
        return self._jobs.get(int(number)) if number.isdigit() else None

    def tie(self, job: Job, asked: list[tuple[str, list[str]]]) -> bool:
        """Fills in what the new job waits for. False: it can never run and has to be removed."""
        possible = True
        for kind, ids in asked:
            for one in ids:
                possible &= self._tie_one(job, kind, one.partition("@")[0])
        if any(edge.kind in _MIRROR for edge in job.depends):
            job.holds = "".join(mark for mark in "uos" if mark in job.holds + "s")
            job.state, job.substate, job.etime = "H", DEPENDENCY_HOLD, 0.0
        return possible

    def _tie_one(self, job: Job, kind: str, job_id: str) -> bool:
        full = job_id if "." in job_id else f"{job_id}.{self._server}"
        parent = self.find(job_id)
        if kind not in _MIRROR:
            return True
        if parent is None:
            job.depends.append(Depend(kind, full))
            return False
        if not parent.live:
            if _met(kind, parent):
                return True
            job.depends.append(Depend(kind, full))
            return False
        if kind == "after" and parent.run_count:
            return True
        job.depends.append(Depend(kind, parent.id))
        parent.depends.append(Depend(_MIRROR[kind], job.id))
        return True

    def started(self, parent: Job) -> Iterator[Job]:
        """Releases those that wait for its start. Yields them."""
        for child in self._waiting(parent, "before"):
            yield self._free(child, parent)

    def ended(self, parent: Job, was_held: bool, remove: Callable[[Job], None]) -> Iterator[Job]:
        """Releases or removes those that wait for its end. Yields the released. `was_held`: it was removed
        out of state H, and all that wait for it go too."""
        for kind in dict.fromkeys(edge.kind for edge in parent.depends):
            for child in list(self._waiting(parent, kind)):
                if not was_held and _released(kind, parent):
                    yield self._free(child, parent)
                else:
                    remove(child)

    def _waiting(self, parent: Job, kind: str) -> Iterator[Job]:
        for edge in parent.depends:
            child = self.find(edge.job)
            if edge.kind != kind or kind not in _MIRROR.values() or child is None or not child.live:
                continue
            if any(back.job == parent.id for back in child.depends):
                yield child

    def _free(self, child: Job, parent: Job) -> Job:
        child.depends = [edge for edge in child.depends if edge.job != parent.id or edge.kind not in _MIRROR]
        if not any(edge.kind in _MIRROR for edge in child.depends):
            child.holds = child.holds.replace("s", "")
        return child


def _released(kind: str, parent: Job) -> bool:
    if kind == "beforeany":
        return True
    if kind == "beforenotok":
        return parent.terminated or parent.exit_status not in (0, None)
    return kind == "beforeok" and not parent.terminated and parent.exit_status == 0


def _met(kind: str, parent: Job) -> bool:
    """By a parent that has finished and is still known."""
    if kind in ("after", "afterany"):
        return True
    return (parent.exit_status == 0) == (kind == "afterok") and parent.exit_status is not None
