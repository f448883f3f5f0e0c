"""What an action is, what it sees, what it may be told, and what it answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bocr_tui.actions import twin as twins

if TYPE_CHECKING:
    from bocr_tui.catalog.database import Catalog
    from bocr_tui.config.workspace import Workspace
    from bocr_tui.sites.asking import Asker

Progress = Callable[[int, int, str], None]
"""Done, total (0: not known yet), and what is being done now. Called from the thread the action runs in."""


class CatalogHandle:
    """The catalog, opened when it is first needed and then kept: opening loads SQLAlchemy, which a first
    frame does not wait for. May be used from any thread."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        self._create = create
        self._lock = threading.Lock()
        self._catalog: Catalog | None = None

    def may_create(self) -> None:
        """From here on one that is not there is made."""
        self._create = True

    def open(self) -> Catalog:
        """Raises CatalogError."""
        from bocr_tui.catalog.database import open_catalog

        with self._lock:
            if self._catalog is None:
                self._catalog = open_catalog(self.path, create=self._create)
            return self._catalog

    def close(self) -> None:
        with self._lock:
            if self._catalog is not None:
                self._catalog.close()
                self._catalog = None


@dataclass(frozen=True)
class Selection:
    """What the person chose: ids (of sites their names), and the states these rows have where the face
    knows them.

    An empty set of states means unknown; then the action itself refuses what cannot be done.
    """

    pages: tuple[int, ...] = ()
    documents: tuple[int, ...] = ()
    batches: tuple[int, ...] = ()
    jobs: tuple[int, ...] = ()
    sites: tuple[str, ...] = ()
    page_states: frozenset[str] = frozenset()
    batch_states: frozenset[str] = frozenset()
    job_states: frozenset[str] = frozenset()
    site_states: frozenset[str] = frozenset()
    """How the sites' connections stand, and `uploads_paused` where they are."""
    autopilot_on: bool | None = None
    """None: unknown."""

    def without(self, kind: str, rows: Iterable[int | str]) -> Selection:
        """The same but for these rows of a kind."""
        left_out = set(rows)
        kept = tuple(row for row in getattr(self, kind) if row not in left_out)
        return Selection(**{**vars(self), kind: kept})


@dataclass(frozen=True)
class Context:
    """What an action acts on."""

    workspace: Workspace
    catalog: CatalogHandle
    selection: Selection = Selection()


SettleChoice = Literal["ask", "never_ran"]
"""What a person says of a job whose submission is unclear: ask the site again, or it was never taken."""

NEVER_RAN: SettleChoice = "never_ran"


@dataclass(frozen=True)
class Options:
    """Everything a face can say beside the selection. An action reads what it needs and ignores the rest.

    `engine`, `site`, `queue` and `walltime` None: the configuration's; `stages` are engines in place of the
    configured ones, empty: those; `stage` counts from 1. `setting` is a key of bocr.toml, `value`
    what it is to be, None the default. At most one of `batch_pages`, `batch_documents` and
    `batches` sizes a plan; `pages_per_document` takes only so many pages of each document, evenly spread.
    `attempt` is one of a page's, counted from 1 as they are listed, None: the best; `text` what a person
    wrote. `formats` empty: all. `choice` and `scheduler_id` settle a job whose submission is unclear: with an
    id, it is the job of that id. `everything`: not only what is due. `as_job`: documents on a site are looked
    at by a job there. `asker` answers what a connection asks a person; None: nobody sits there. `act`
    False: only say what would be done. `stop` set: end early, leaving everything valid.
    """

    engine: str | None = None
    site: str | None = None
    stages: tuple[str, ...] = ()
    queue: str | None = None
    walltime: str | None = None
    stage: int = 1
    setting: str = ""
    value: str | None = None
    attempt: int | None = None
    text: str | None = None
    paths: tuple[Path, ...] = ()
    language: str | None = None
    batch_pages: int | None = None
    batch_documents: int | None = None
    batches: int | None = None
    pages_per_document: int | None = None
    destination: Path | None = None
    formats: tuple[str, ...] = ()
    choice: SettleChoice = "ask"
    scheduler_id: str | None = None
    everything: bool = False
    as_job: bool = False
    asker: Asker | None = None
    act: bool = True
    progress: Progress | None = None
    stop: threading.Event | None = None


@dataclass(frozen=True)
class Outcome:
    """What an action did: a sentence, how many rows it concerned, and which it refused with the reason.

    `rows` are the ids it was about, where a caller goes on with them (the documents an import named).
    `numbers` is JSON for `--json`; `next_step` what a person would do now, empty when there is nothing.
    `well` False: it was done, and something in it needs a person's eye (the CLI exits with 3). `thing` is
    what the refused ones are, in the singular, and `denied` what became of them.
    """

    text: str
    count: int = 0
    refused: tuple[tuple[int, str], ...] = ()
    rows: tuple[int, ...] = ()
    next_step: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict)
    well: bool = True
    thing: str = "row"
    denied: str = "refused"


class Confirm(StrEnum):
    """When a face asks first, with Cancel as the default."""

    NEVER = "never"
    MANY = "many"
    """Only when more rows are concerned than a person marks by hand."""
    ALWAYS = "always"


MANY = 50
"""Rows above which Confirm.MANY asks: about one screen of marks."""


@dataclass(frozen=True)
class Action:
    """One thing a person can do.

    `when` says why it cannot be done now, None if it can; it is asked for every redraw of a footer, so it
    looks at the selection only. `selects` is the kind of row it acts on (`pages`, `batches`, `jobs`,
    `sites`), None for an action on the whole workspace. `asks` names the Options a face should ask for.
    `command` is its headless twin. `writes` False: nothing is changed by it, so a read-only panel offers it.
    `waits` True: the panel lets a moment pass before it does this, in which it can be undone; then `refuses`
    says beforehand which of the selected rows it would not take now, with the reason, and changes nothing.
    """

    id: str
    title: str
    tooltip: str
    key: str | None
    group: str
    command: str
    when: Callable[[Context], str | None]
    run: Callable[[Context, Options], Outcome]
    confirm: Confirm = Confirm.NEVER
    selects: str | None = None
    asks: tuple[str, ...] = ()
    writes: bool = True
    waits: bool = False
    refuses: Callable[[Context, Options], tuple[tuple[int, str], ...]] | None = None
    """Raises BocrError where the options mean nothing there is."""
    begins: bool = False
    """What a workspace begins with: done where there is no catalog yet, it makes one."""

    @cached_property
    def name(self) -> str:
        """The id in the form that a Textual action's name may have."""
        return self.id.replace(".", "_")

    def twin(self, selection: Selection, options: Options, names: Sequence[str] = ()) -> str:
        """The command line that does the same; `names` are the selected rows', where rows have names."""
        return twins.twin(self, selection, options, names)

    def must_confirm(self, context: Context) -> bool:
        """Whether a face asks before it runs this on that selection."""
        if self.confirm is Confirm.MANY and self.selects:
            return len(getattr(context.selection, self.selects)) > MANY
        return self.confirm is Confirm.ALWAYS
