"""Help, palette, the command line, copying and zooming: what can be done, found without knowing the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from bocr_tui.actions.action import Options
from bocr_tui.actions.registry import ACTIONS
from bocr_tui.config.errors import UsageError
from bocr_tui.ui.completing import Vocabulary, completions
from bocr_tui.ui.screens.command_line import CommandLine
from bocr_tui.ui.screens.copied import Copied
from bocr_tui.ui.screens.help import Help
from bocr_tui.ui.typed import parse, said_as
from bocr_tui.ui.widgets.key_line import KeyLine
from tests.ui.campaign import Campaign
from tests.ui.conftest import Panel, opened


async def type_command(panel: Panel, line: str, *, enter: bool = True) -> None:
    await panel.press("colon")
    await panel.until(lambda: isinstance(panel.app.screen, CommandLine) and panel.app.focused is not None)
    await panel.press(*[{" ": "space", "=": "equals_sign"}.get(each, each) for each in line])
    if enter:
        await panel.press("enter")


async def test_help_groups_the_keys_and_is_searched_by_typing(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace, (120, 40)) as panel:
        await panel.go("pages")
        await panel.press("question_mark")
        await panel.until(lambda: isinstance(panel.app.screen, Help))
        await panel.sees("What is selected")
        assert "This screen" in panel.text and "Resubmit" in panel.text
        await panel.press(*"engine")
        await panel.until(lambda: "or everything again" not in panel.text)
        assert "Resubmit" in panel.text
        await panel.press("escape")
        await panel.sees("or everything again")
        await panel.press("escape")
        await panel.until(lambda: not isinstance(panel.app.screen, Help))
        await panel.press("question_mark")
        await panel.until(lambda: isinstance(panel.app.screen, Help))
        await panel.press("question_mark")
        await panel.until(lambda: not isinstance(panel.app.screen, Help))


async def test_help_and_footer_show_what_cannot_be_done_now_and_why(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace, (120, 40)) as panel:
        await panel.go("pages")
        assert panel.table.go_to(shared_campaign.ids("running")[0])
        await panel.until(lambda: panel.table.current is not None and panel.table.current.state == "running")

        def dim() -> list[str]:
            return [key.description for key in panel.app.screen.query_one(KeyLine).dimmed]

        await panel.until(lambda: dim() == ["Resubmit"])
        await panel.press("question_mark")
        await panel.sees("Not now: Only pages that failed")
        await panel.press("escape")
        assert panel.table.go_to(shared_campaign.ids("failed")[0])
        await panel.until(lambda: dim() == [])


async def test_the_palette_goes_to_places_and_runs_actions(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.press("ctrl+p")
        await panel.sees("Go to Jobs")
        await panel.press(*"go to docu")
        await panel.until(lambda: "Go to Documents" in panel.text and "Go to Jobs" not in panel.text)
        await panel.press("enter")
        await panel.until(lambda: panel.app.current_mode == "documents")
        await panel.sees("7 documents")


async def test_a_command_goes_to_a_place_and_tab_completes_it(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await type_command(panel, "go", enter=False)
        await panel.press("space", "j")
        await panel.sees("go jobs")
        await panel.press("tab", "enter")
        await panel.until(lambda: panel.app.current_mode == "jobs")
        await type_command(panel, "pages")
        await panel.until(lambda: panel.app.current_mode == "pages")


async def test_a_command_that_there_is_not_names_the_nearest(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await type_command(panel, "resubmitt")
        await panel.until(lambda: panel.toasts)
        assert panel.toasts == ["There is no command 'resubmitt'. Did you mean resubmit?"]


async def test_a_command_gives_an_action_its_options(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        await panel.go("pages")
        await type_command(panel, "resubmit engine=tesserakt")
        await panel.until(lambda: panel.toasts)
        assert "tesserakt" in panel.toasts[0]


async def test_y_copies_the_row_and_says_only_what_is_known(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.press("Y")
        await panel.until(lambda: any("Nothing was copied" in toast for toast in panel.toasts))
        await panel.press("y")
        await panel.until(lambda: any("sent to the terminal's clipboard" in toast for toast in panel.toasts))
        assert panel.app.clipboard.split("\t")[:2] == ["b00001", "» submitted"]
        await panel.press("Y")
        await panel.until(lambda: isinstance(panel.app.screen, Copied))
        await panel.sees("b00001")
        await panel.press("escape")
        await panel.until(lambda: not isinstance(panel.app.screen, Copied))


async def test_z_lets_the_list_fill_the_screen_and_gives_it_back(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace, (120, 40)) as panel:
        before = panel.table.size
        await panel.press("z")
        await panel.until(lambda: panel.table.size.width > before.width)
        await panel.press("escape")
        await panel.until(lambda: panel.table.size == before)


def test_a_typed_line_is_an_action_with_its_options() -> None:
    typed = parse("resubmit engine=tesseract site=box")
    assert typed.action is not None and typed.action.id == "page.resubmit"
    assert typed.options == Options(engine="tesseract", site="box")
    assert parse(":import '/a b' language=ar").options == Options(paths=(Path("/a b"),), language="ar")
    assert parse("plan pages=200 stages=a,b").options == Options(batch_pages=200, stages=("a", "b"))
    assert parse("filter state=failed engine=x").rest == "state=failed engine=x"
    assert parse("jobs", ["jobs"]).verb == "go"
    for line, action in (("autopilot", "autopilot.start"), ("autopilot off", "autopilot.stop")):
        typed = parse(line)
        assert typed.action is not None and typed.action.id == action
    assert parse("set limits.attempts 4").options == Options(setting="limits.attempts", value="4")
    assert parse("set panel.theme=bocr-light").options == Options(setting="panel.theme", value="bocr-light")
    assert parse("set panel.theme").options == Options(setting="panel.theme", value=None)


def test_every_action_can_be_typed() -> None:
    for action in ACTIONS:
        typed = parse(said_as(action) + (" panel.theme" if "setting" in action.asks else ""))
        assert typed.action is action


async def test_an_action_on_rows_that_are_elsewhere_says_where(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace, (120, 40)) as panel:
        await panel.go("plan")
        await type_command(panel, "resubmit engine=tesseract")
        await panel.until(lambda: panel.toasts)
        assert panel.toasts == ["Resubmit acts on pages, and none is selected here. They are at 4, Pages."]
        await panel.go("pages")
        await type_command(panel, "edit")
        await panel.until(lambda: len(panel.toasts) > 1)
        assert "enter opens the page, E edits it" in panel.toasts[-1]


@pytest.mark.parametrize("place", ["plan", "batches", "settings"])
async def test_the_autopilot_is_typed_on_every_screen(campaign: Campaign, place: str) -> None:
    async with opened(campaign.workspace, (120, 40)) as panel:
        await panel.go(place)
        await type_command(panel, "autopilot off")
        await panel.until(lambda: panel.toasts)
        assert panel.toasts == ["The autopilot is off already."]
        await type_command(panel, "autopilot")
        await panel.agree()
        await panel.until(lambda: panel.app.sight.autopilot.on)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("frobnicate", "There is no command 'frobnicate'"),
        ("resubmit colour=red", "It takes: engine, site"),
        ("resubmit page", "acts on what is selected"),
        ("plan pages=many", "whole number"),
        ('import "/a', "Close the quotes"),
        ("quit now", "takes nothing"),
    ],
)
def test_a_line_that_cannot_be_meant_says_what_is_wrong(line: str, words: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(line)
    assert words in f"{raised.value.cause} {raised.value.next_step}"


def test_completion_knows_verbs_options_and_their_values() -> None:
    known = Vocabulary({"pages": "."}, {"engine": ["rapidocr", "tesseract"], "go": ["pages"]}, "pages")
    assert completions("resub", known)[0].line == "resubmit"
    assert [each.line for each in completions("resubmit ", known)] == ["resubmit engine=", "resubmit site="]
    assert [each.line for each in completions("resubmit engine=t", known)] == [
        "resubmit engine=tesseract",
        "resubmit engine=rapidocr",
    ][:1]
    assert [each.line for each in completions("go p", known)] == ["go pages"]
    assert completions("nothing such ", known) == []
