"""A question that a connection asks: is this the host's key, a passphrase, a one-time code.

What the host says is shown as plain text, cut to what a person can read; what is typed stays in the fields.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static

from bocr_tui.ui.safe_text import clean
from bocr_tui.ui.work import begin

if TYPE_CHECKING:
    from bocr_tui.sites.asking import Question
    from bocr_tui.ui.questions import Pending

MOST_LINES = 16
MOST_LINE_CHARACTERS = 400
"""Of what a host says: an instruction is a sentence, and a banner may be a novel."""

MOST_PROMPTS = 5
"""A login asks for one or two things, a password that has expired for three."""

MOST_PROMPT_CHARACTERS = 120
MOST_ANSWER_CHARACTERS = 1000

YES = "yes"
"""The answer that accepts a host key."""


def host_words(text: str) -> str:
    """What a host says, as lines that a terminal only shows; what is left out is said."""
    lines = text.splitlines()
    shown = [clean(line[:MOST_LINE_CHARACTERS]).rstrip() for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        shown.append(f"({len(lines) - MOST_LINES:,} more lines are not shown)")
    return "\n".join(shown).strip("\n")


class QuestionScreen(ModalScreen[list[str] | None]):
    """The answers, one a prompt; None when the person declines."""

    BINDINGS: ClassVar = [Binding("escape", "decline", "Decline", show=False)]

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question
        self._is_key = question.kind == "host_key"
        self._prompts = () if self._is_key else question.prompts[:MOST_PROMPTS]

    def compose(self) -> ComposeResult:
        question = self.question
        with Vertical(classes="dialog question"):
            title = clean(question.title)[:MOST_LINE_CHARACTERS]
            yield Label(title, markup=False, classes="dialog-title")
            yield Label(f"Site {clean(question.site)}", markup=False, classes="question-site")
            words = host_words(question.text)
            if words:
                with VerticalScroll(classes="question-words", can_focus=False):
                    yield Static(words, markup=False)
            yield from self._fields()
            with Horizontal(classes="dialog-buttons"):
                yield Button("Cancel", id="no", compact=True, variant="primary")
                yield Button(self._go_on(), id="yes", compact=True)
            yield Label(self._hint(), markup=False, classes="dialog-hint")

    def _fields(self) -> Iterator[Label | Input]:
        for number, prompt in enumerate(self._prompts):
            yield Label(clean(prompt.text)[:MOST_PROMPT_CHARACTERS] or "Answer:", markup=False)
            yield Input(
                id=f"answer-{number}",
                password=not prompt.echo,
                max_length=MOST_ANSWER_CHARACTERS,
                compact=True,
                select_on_focus=False,
            )

    def _go_on(self) -> str:
        return "Accept this key" if self._is_key else "Send" if self._prompts else "Go on"

    def _hint(self) -> str:
        if self._is_key:
            return "esc cancels: nothing is sent to a host whose key is not accepted"
        return "enter sends, esc cancels" if self._prompts else "esc cancels"

    def on_mount(self) -> None:
        """The field to fill; where there is none, the button that changes nothing."""
        first = self.query(Input).first() if self._prompts else self.query_one("#no", Button)
        first.focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        fields = list(self.query(Input))
        place = fields.index(event.input)
        if place + 1 < len(fields):
            fields[place + 1].focus()
        else:
            self._send()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "yes":
            self._send()
        else:
            self.action_decline()

    def _send(self) -> None:
        """Prompts beyond those shown are answered with nothing: no honest host has so many."""
        if self._is_key:
            self.dismiss([YES])
            return
        answers = [field.value for field in self.query(Input)]
        self.dismiss(answers + [""] * (len(self.question.prompts) - len(answers)))

    def action_decline(self) -> None:
        self.dismiss(None)

    def withdraw(self) -> None:
        """The question is no more; whatever lies above it goes too."""
        while self.app.screen is not self and self in self.app.screen_stack:
            self.app.pop_screen()
        if self.is_current:
            self.dismiss(None)


class QuestionDesk:
    """Puts questions on the screen of `app`, one after the other."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._waiting: deque[Pending] = deque()

    def take(self, pending: Pending) -> None:
        """Ask this as soon as those before it are over."""
        self._waiting.append(pending)
        if len(self._waiting) == 1:
            begin(self._app, self._ask, group="questions")

    async def _ask(self) -> None:
        while self._waiting:
            pending = self._waiting[0]
            try:
                if not pending.over:
                    pending.answered(await self._app.push_screen_wait(QuestionScreen(pending.question)))
            finally:
                pending.answered(None)
                self._waiting.popleft()

    def withdraw(self, pending: Pending) -> None:
        """Nobody waits for the answer any more: the question goes off the screen."""
        for screen in self._app.screen_stack:
            if isinstance(screen, QuestionScreen) and screen.question is pending.question:
                screen.withdraw()
