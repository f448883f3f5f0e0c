"""A site that bocr.toml names no more keeps no other from going on."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from bocr_tui.catalog.lists import open_reader
from bocr_tui.catalog.lists_sites import SiteRow, sites_of
from bocr_tui.config.workspace import Workspace
from bocr_tui.control.events import SiteMoved, Trouble
from bocr_tui.control.orders import submit_batches
from tests.control.campaigns import Campaign, make_campaign
from tests.papers import make_pdf

HERE = """
pipeline = ["noop"]
"""
AND_THERE = """
site = "there"
[sites.there]
transport = "local"
scheduler = "direct"
root = "there"
"""


def _two_sites(folder: Path) -> Campaign:
    """A job planned on each of two sites, of which bocr.toml names only one any more."""
    campaign = make_campaign(folder, HERE + AND_THERE)
    there = campaign.add(make_pdf(folder / "a.pdf", 2), 2)
    submit_batches(campaign.catalog, campaign.config, [there])
    campaign = _configured(campaign, HERE)
    here = campaign.add(make_pdf(folder / "b.pdf", 3), 3)
    submit_batches(campaign.catalog, campaign.config, [here])
    return campaign


def _configured(campaign: Campaign, config: str) -> Campaign:
    campaign.workspace.config_path.write_text(config)
    return Campaign(Workspace(campaign.workspace.root), campaign.catalog)


def _site_rows(campaign: Campaign) -> list[SiteRow]:
    with closing(open_reader(campaign.workspace.catalog_path)) as reader:
        return sites_of(reader)


def test_the_other_sites_go_on_and_the_removed_one_is_shown_with_what_to_do(tmp_path: Path) -> None:
    campaign = _two_sites(tmp_path)
    told = campaign.drive()
    jobs = campaign.rows("SELECT site, state, ok FROM job ORDER BY id")
    assert jobs == [("there", "planned", 0), ("local", "finished", 3)]
    assert campaign.scalar("SELECT count(*) FROM reservation WHERE released_at IS NULL") == 2
    troubles = [event for event in told if isinstance(event, Trouble)]
    assert len(troubles) == 1, "it is told once"
    assert "there: bocr.toml names this site no more" in troubles[0].text
    assert "Put it back" in troubles[0].next_step
    assert [event.site for event in told if isinstance(event, SiteMoved) and event.link == "paused"] == [
        "there"
    ]
    row = next(row for row in _site_rows(campaign) if row.name == "there")
    assert row.is_troubled and row.living_jobs == 1 and "Put it back" in row.reason


def test_once_it_is_put_back_its_jobs_go_on(tmp_path: Path) -> None:
    campaign = _two_sites(tmp_path)
    campaign.drive()
    campaign = _configured(campaign, HERE + AND_THERE)
    campaign.drive()
    assert campaign.states() == {"ok": 5}
    row = next(row for row in _site_rows(campaign) if row.name == "there")
    assert not row.is_troubled, row.reason
    campaign.check_books()
