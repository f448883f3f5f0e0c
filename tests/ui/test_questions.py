"""What a connection asks a person: shown as text, answered once, declined when nobody answers."""

from __future__ import annotations

import asyncio
import threading

import pytest
from textual.widgets import Button, Input

from bocr_tui.sites.asking import Prompt, Question, QuestionKind
from bocr_tui.ui.questions import PanelAsker
from bocr_tui.ui.screens.question import QuestionScreen
from tests.ui.campaign import Campaign
from tests.ui.conftest import Panel, opened
from tests.ui.test_hostile import check

KEY = Question(QuestionKind.HOST_KEY, "inpt", "Is this the key of inpt?", "ed25519 SHA256:9vVn1Y2b0l", ())
CODE = Question(
    QuestionKind.KEYBOARD,
    "inpt",
    "inpt.example asks",
    "Enter your code.",
    (Prompt("Password:"), Prompt("Code:", echo=True)),
)


class Asking:
    """A question asked as the driver asks it: from another thread's loop."""

    def __init__(self, asker: PanelAsker, question: Question) -> None:
        self._asker = asker
        self._question = question
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[list[str] | None] | None = None
        self.answers: list[list[str] | None] = []
        self.cancelled = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._ask()), daemon=True)
        self._thread.start()

    async def _ask(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._asker(self._question))  # type: ignore[arg-type]
        try:
            self.answers.append(await self._task)
        except asyncio.CancelledError:
            self.cancelled = True

    def withdraw(self) -> None:
        assert self._loop is not None and self._task is not None
        self._loop.call_soon_threadsafe(self._task.cancel)

    @property
    def over(self) -> bool:
        return bool(self.answers) or self.cancelled


async def asked(panel: Panel, question: Question) -> Asking:
    asking = Asking(panel.app.asker, question)
    await panel.until(lambda: isinstance(panel.app.screen, QuestionScreen) and panel.app.focused is not None)
    return asking


async def test_a_host_key_is_shown_and_enter_does_not_accept_it(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        asking = await asked(panel, KEY)
        await panel.sees("SHA256:9vVn1Y2b0l")
        assert "Is this the key of inpt?" in panel.text
        await panel.press("enter")
        await panel.until(lambda: asking.over)
        assert asking.answers == [None]
        asking = await asked(panel, KEY)
        await panel.press("tab", "enter")
        await panel.until(lambda: asking.over)
        assert asking.answers == [["yes"]]
        assert not isinstance(panel.app.screen, QuestionScreen)


async def test_what_is_typed_is_shown_only_where_the_host_says_so(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        asking = await asked(panel, CODE)
        await panel.press(*"geheim")
        assert "geheim" not in panel.text and "••••••" in panel.text
        await panel.press("enter", *"123 456")
        assert "123 456" in panel.text
        await panel.press("enter")
        await panel.until(lambda: asking.over)
        assert asking.answers == [["geheim", "123 456"]]


async def test_escape_declines_and_keys_of_the_panel_do_nothing_meanwhile(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        asking = await asked(panel, CODE)
        await panel.press("q", "3", "question_mark")
        assert isinstance(panel.app.screen, QuestionScreen)
        assert panel.app.screen.query(Input).first().value == "q3?"
        await panel.press("escape")
        await panel.until(lambda: asking.over)
        assert asking.answers == [None]


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=str)
async def test_hostile_words_are_text_and_leave_room_for_the_answer(
    shared_campaign: Campaign, size: tuple[int, int]
) -> None:
    evil = "\x1b[2J[red]no[/] \u202e" + "w" * 5000
    prompts = tuple(Prompt(f"{evil}{number}", echo=True) for number in range(20))
    question = Question(QuestionKind.KEYBOARD, evil, evil, "\n".join([evil] * 100), prompts)
    async with opened(shared_campaign.workspace, size) as panel:
        asking = await asked(panel, question)
        check(panel.lines, size[0])
        await panel.press("x")
        for _ in panel.app.screen.query(Input):
            await panel.press("enter")
        await panel.until(lambda: asking.over)
        answers = asking.answers[0]
        assert answers is not None and (len(answers), answers[0]) == (20, "x")


async def test_questions_are_asked_one_after_the_other(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        first, second = await asked(panel, KEY), Asking(panel.app.asker, CODE)
        await panel.press("escape")
        await panel.until(lambda: first.over)
        await panel.sees("Enter your code.")
        await panel.press("escape")
        await panel.until(lambda: second.over)


async def test_a_question_that_nobody_waits_for_any_more_goes_off_the_screen(
    shared_campaign: Campaign,
) -> None:
    async with opened(shared_campaign.workspace) as panel:
        asking = await asked(panel, CODE)
        asking.withdraw()
        await panel.until(lambda: not isinstance(panel.app.screen, QuestionScreen))
        assert asking.cancelled
        again = await asked(panel, KEY)
        await panel.press("escape")
        await panel.until(lambda: again.over)


async def test_leaving_the_panel_declines_what_waits_and_what_comes_after(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        asking = await asked(panel, CODE)
        panel.app.action_leave()
        await panel.until(lambda: asking.over and not panel.app.is_running)
        assert asking.answers == [None]
        assert await panel.app.asker(KEY) is None


async def test_cancel_is_the_button_under_the_cursor(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        asking = await asked(panel, KEY)
        assert isinstance(panel.app.focused, Button) and panel.app.focused.id == "no"
        await panel.press("escape")
        await panel.until(lambda: asking.over)
