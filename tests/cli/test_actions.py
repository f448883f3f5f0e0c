"""The registry: what may be done when, and that every action has its twin on the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bocr_tui.actions.action import MANY, CatalogHandle, Confirm, Context, Options, Selection
from bocr_tui.actions.registry import ACTIONS, action_named, actions_on
from bocr_tui.config.errors import CatalogError
from bocr_tui.config.workspace import Workspace
from tests.cli.conftest import environment
from tests.cli.shelf import FAILED, GAVE_UP, IGNORED, Leaf, Shelf


def context(selection: Selection) -> Context:
    root = Path("/nowhere")
    return Context(Workspace(root), CatalogHandle(root / "catalog.db"), selection)


def test_every_action_says_who_it_is_and_no_key_means_two_things_on_one_screen() -> None:
    for kind in ("pages", "documents", "batches", "jobs", "sites"):
        keys = [action.key for action in (*actions_on(None), *actions_on(kind)) if action.key is not None]
        assert len(keys) == len(set(keys)), kind
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    for action in ACTIONS:
        assert action.title and action.tooltip.endswith(".") and action.group
        assert action_named(action.id) is action
    assert {action.id for action in actions_on("pages")} == {
        "page.resubmit",
        "page.reset",
        "page.ignore",
        "page.accept",
        "page.edit",
    }
    with pytest.raises(KeyError):
        action_named("page.frob")


def test_every_action_has_a_command() -> None:
    from bocr_tui.cli.app import app

    commands = {(info.name or "") for info in app.registered_commands}
    for action in ACTIONS:
        program, name = action.command.split()[:2]
        assert program == "bocr"
        assert name in commands, action.id


def test_the_registry_can_be_asked_before_anything_heavy_is_loaded() -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from bocr_tui.actions.registry import ACTIONS;"
        "from bocr_tui.actions.action import *;"
        "from bocr_tui.config.workspace import Workspace;"
        "c = Context(Workspace(Path('/x')), CatalogHandle(Path('/x/y')), Selection(pages=(1,)));"
        "[(a.when(c), a.must_confirm(c), a.name) for a in ACTIONS];"
        "print([m for m in ('sqlalchemy', 'sqlmodel', 'pydantic', 'textual') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("action_id", "selection", "reason"),
    [
        ("page.resubmit", Selection(), "No page is selected."),
        ("page.resubmit", Selection(pages=(1,), page_states=frozenset({"failed", "ok"})), None),
        ("page.resubmit", Selection(pages=(1,)), None),
        ("page.resubmit", Selection(pages=(1,), page_states=frozenset({"running"})), "Only pages"),
        ("page.reset", Selection(pages=(1,), page_states=frozenset({"ok"})), "Only pages"),
        ("page.reset", Selection(pages=(1,), page_states=frozenset({"ignored"})), None),
        ("page.ignore", Selection(pages=(1,), page_states=frozenset({"ignored"})), "ignored already"),
        ("batch.submit", Selection(), "No batch"),
        ("batch.submit", Selection(batches=(1,), batch_states=frozenset({"planned"})), None),
        ("batch.submit", Selection(batches=(1,), batch_states=frozenset({"done"})), "already"),
        ("job.cancel", Selection(jobs=(1,), job_states=frozenset({"finished", "lost"})), "ended already"),
        ("job.cancel", Selection(jobs=(1, 2), job_states=frozenset({"finished", "running"})), None),
        ("job.requeue", Selection(jobs=(1,), job_states=frozenset({"running"})), None),
        ("job.requeue", Selection(jobs=(1,), job_states=frozenset({"planned"})), "wait or run on a site"),
        ("job.hold", Selection(jobs=(1,), job_states=frozenset({"queued"})), None),
        ("job.hold", Selection(jobs=(1,), job_states=frozenset({"running"})), "wait in a queue"),
        ("job.release", Selection(jobs=(1,), job_states=frozenset({"held"})), None),
        ("job.release", Selection(jobs=(1,), job_states=frozenset({"queued"})), "that are held"),
        ("job.settle", Selection(jobs=(1,), job_states=frozenset({"ambiguous"})), None),
        ("job.settle", Selection(jobs=(1,), job_states=frozenset({"running"})), "unclear"),
        ("job.settle", Selection(jobs=(1, 2)), "one job at a time"),
        ("job.log", Selection(jobs=(1,), job_states=frozenset({"planned"})), "never started"),
        ("job.log", Selection(jobs=(1,), job_states=frozenset({"finished"})), None),
        ("site.pause", Selection(), "No site is selected."),
        ("site.pause", Selection(sites=("inpt",), site_states=frozenset({"connected"})), None),
        ("site.pause", Selection(sites=("inpt",), site_states=frozenset({"paused"})), "paused already"),
        ("site.resume", Selection(sites=("inpt",), site_states=frozenset({"waiting"})), None),
        ("site.resume", Selection(sites=("inpt",), site_states=frozenset({"connected"})), "not paused"),
        ("site.upload_pause", Selection(sites=("inpt",), site_states=frozenset({"connected"})), None),
        ("site.upload_resume", Selection(sites=("inpt",), site_states=frozenset({"paused"})), "not paused"),
        ("autopilot.start", Selection(autopilot_on=True), "on already"),
        ("autopilot.stop", Selection(autopilot_on=False), "off already"),
        ("autopilot.start", Selection(), None),
    ],
)
def test_what_cannot_be_done_says_why(action_id: str, selection: Selection, reason: str | None) -> None:
    answer = action_named(action_id).when(context(selection))
    assert (answer is None) if reason is None else (answer is not None and reason in answer)


def test_a_few_pages_are_resubmitted_at_once_and_many_after_a_question() -> None:
    resubmit = action_named("page.resubmit")
    assert not resubmit.must_confirm(context(Selection(pages=tuple(range(MANY)))))
    assert resubmit.must_confirm(context(Selection(pages=tuple(range(MANY + 1)))))
    for action in ACTIONS:
        if action.confirm is Confirm.ALWAYS:
            assert action.must_confirm(context(Selection()))


def test_actions_change_pages_through_the_catalogs_own_moves(shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf(), FAILED, GAVE_UP, IGNORED])
    handle = CatalogHandle(shelf.workspace.catalog_path)

    def run(action_id: str, *pages: int) -> int:
        chosen = Context(shelf.workspace, handle, Selection(pages=pages))
        return action_named(action_id).run(chosen, Options()).count

    assert run("page.reset", 1, 2, 3, 4) == 2
    assert run("page.ignore", 2) == 1
    assert run("page.ignore", 2) == 0
    handle.close()
    with shelf.catalog.reading() as connection:
        states = connection.exec_driver_sql("SELECT state FROM page ORDER BY number").scalars().all()
    assert states == ["ok", "ignored", "failed", "new"]


def test_a_catalog_is_opened_once_and_only_when_it_is_needed(tmp_path: Path) -> None:
    handle = CatalogHandle(tmp_path / "catalog.db", create=False)
    with pytest.raises(CatalogError):
        handle.open()
    made = CatalogHandle(tmp_path / "catalog.db")
    assert made.open() is made.open()
    made.close()
    made.close()
