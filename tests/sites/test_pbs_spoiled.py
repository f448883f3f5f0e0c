"""One id, or a listing that never comes whole, must not keep the other jobs' ends from being known."""

from __future__ import annotations

from pathlib import Path

import pytest

from bocr_tui.sites.helper import pbs_look
from tests.sites.test_pbs_asking import Site, ids, job

_QSTAT = """#!/bin/sh
[ "$1" = --version ] && echo "pbs_version = 23.06.06" && exit
echo "$*" >>"$0.calls"
status=0
case "$*" in *.*) ;; *) {listing} ;; esac
for id; do
  case $id in
    *.otherhost) echo "qstat: illegally formed job identifier: $id" >&2; status=1 ;;
    *.*) sed "s/1\\.server/$id/; s/= b1$/= b${{id%%.*}}/" "${{0%/*}}/one" ;;
  esac
done
exit $status
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    (made.pbs.bin / "one").write_text(job(1, "F", substate=92, Exit_status=0))
    return made


def _qstat(site: Site, listing: str = "exit 0") -> None:
    (site.pbs.bin / "qstat").write_text(_QSTAT.format(listing=listing))


def _calls(site: Site) -> list[str]:
    return (site.pbs.bin / "qstat.calls").read_text().splitlines()


async def test_an_id_of_a_server_that_has_another_name_now_spoils_no_other_answer(site: Site) -> None:
    """Recorded: an id whose server is not known is refused by qstat itself, and with it the whole answer."""
    _qstat(site)
    look = await site.look({"b1": "1.server", "b2": "2.otherhost", "b3": "3.server"})
    assert {token: view.state for token, view in look.views.items()} == {"b1": "ended", "b3": "ended"}
    assert [call.split()[3:] for call in _calls(site)][1:] == [["1.server"], ["2.otherhost"], ["3.server"]]


async def test_where_the_id_is_the_only_one_that_is_the_problem(site: Site) -> None:
    _qstat(site)
    look = await site.look({"b2": "2.otherhost"})
    assert not look.views and "illegally formed job identifier" in look.problem
    assert len(_calls(site)) == 1


async def test_where_every_one_of_several_is_refused_that_is_the_problem_too(site: Site) -> None:
    _qstat(site)
    look = await site.look({"b1": "1.otherhost", "b2": "2.otherhost"})
    assert not look.views and "illegally formed job identifier" in look.problem


@pytest.mark.parametrize("listing", ["exec sleep 30", "kill -KILL $$", "exit 3"])
async def test_where_no_listing_comes_whole_a_few_jobs_are_asked_by_id_in_turn(
    site: Site, monkeypatch: pytest.MonkeyPatch, listing: str
) -> None:
    monkeypatch.setattr(pbs_look, "LISTING_S", 0.5)
    _qstat(site, listing)
    ended: set[str] = set()
    for _ in range(2):
        look = await site.look(ids(12))
        assert look.problem, "that all are not known is said all the same"
        assert len(look.views) == pbs_look.MOST_BY_ID
        ended |= {token for token, view in look.views.items() if view.state == "ended"}
    assert ended == set(ids(12))
