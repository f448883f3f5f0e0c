"""What a site is made of, from options and, in a terminal, from questions for what was not said."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bocr_tui.cli.output import note, safe
from bocr_tui.config.errors import ConfigError, UsageError
from bocr_tui.config.explaining import explain
from bocr_tui.config.model import SiteConfig

Settings = dict[str, Any]
Path = str | tuple[str, ...]


@dataclass(frozen=True)
class Said:
    """The options of `bocr site add`; None or empty: not said. `activate`, `python_of` and `model` are by
    engine."""

    host: str | None = None
    here: bool = False
    user: str | None = None
    port: int | None = None
    root: str | None = None
    scheduler: str | None = None
    pbs_exec: str | None = None
    queue: str | None = None
    select: str | None = None
    walltime: str | None = None
    account: str | None = None
    project: str | None = None
    directives: Sequence[str] = ()
    max_queued: int | None = None
    slots: int | None = None
    python: str | None = None
    cores: int | None = None
    setup: Sequence[str] = ()
    activate: Mapping[str, Sequence[str]] | None = None
    python_of: Mapping[str, str] | None = None
    model: Mapping[str, str] | None = None
    documents: str | None = None
    upload_mb_s: float | None = None


def site_settings(name: str, said: Said, *, ask: bool) -> Settings:
    """The site's table, without what is as it would be anyway. Raises UsageError for what is missing and
    may not be asked, ConfigError for what does not fit."""
    draft = _Draft(name, ask)
    _place(draft, said)
    _jobs(draft, said)
    _environments(draft, said)
    if draft.settings["transport"] == "ssh":
        draft.settle(
            "documents", said.documents, "Documents: upload them, or do they lie there (in_place)?", "upload"
        )
    draft.settle("upload_mb_s", said.upload_mb_s)
    return draft.checked()


def by_engine(given: Sequence[str], option: str) -> dict[str, list[str]]:
    """`ENGINE=TEXT` of a repeated option, by engine. Raises UsageError."""
    found: dict[str, list[str]] = {}
    for one in given:
        engine, equals, text = one.partition("=")
        if not equals or not engine.strip() or not text.strip():
            raise UsageError(f"{option} {one!r} is no ENGINE=TEXT.", f"Such as {option} 'chandra=…'.")
        found.setdefault(engine.strip(), []).append(text.strip())
    return found


class _Draft:
    """Settings as they come; what does not fit is asked again, or refused."""

    def __init__(self, name: str, ask: bool) -> None:
        self.name, self.ask = name, ask
        self.settings: Settings = {}

    def settle(self, path: Path, said: Any, question: str = "", default: Any = None) -> None:
        """Set `path` (table, key) to what was said; else to the answer; else, where there is one, to the
        default."""
        if said is not None:
            self._set(path, said)
            problem = self._problem()
            if problem is not None:
                raise problem
        elif question and self.ask:
            self._ask(path, question, default)
        elif default is not None:
            self._set(path, default)

    def lines(self, path: Path, said: Sequence[str] | None, question: str) -> None:
        """A list of texts, one a line, until an empty one."""
        given = list(said or ())
        if not given and self.ask:
            note(f"{question}; a blank line ends")
            while line := _line("  "):
                given.append(line)
        if given:
            self.settle(path, given)

    def _ask(self, path: Path, question: str, default: Any) -> None:
        while True:
            shown = f"{question} [{default}] " if default not in (None, "") else f"{question} "
            answer = _line(shown)
            wanted = int(answer) if isinstance(default, int) and answer.isdecimal() else answer
            self._set(path, wanted if answer else default)
            problem = self._problem()
            if problem is None:
                return
            note(safe(problem.cause))

    def _set(self, path: Path, value: Any) -> None:
        """None and empty texts are left out: they mean what leaving out does."""
        *tables, key = (path,) if isinstance(path, str) else path
        at = self.settings
        for table in tables:
            at = at.setdefault(table, {})
        if value in (None, ""):
            at.pop(key, None)
        else:
            at[key] = value

    def _problem(self) -> ConfigError | None:
        try:
            SiteConfig.model_validate(self.settings)
        except ValidationError as error:
            return explain(error, SiteConfig, f"site {self.name}")
        return None

    def checked(self) -> Settings:
        problem = self._problem()
        if problem is not None:
            raise problem
        return _without_empty(self.settings)


def _place(draft: _Draft, said: Said) -> None:
    host = said.host
    if host is None and not said.here:
        if not draft.ask:
            raise UsageError("Where is the site?", "Say --host NAME, or --here for this machine.")
        host = _line("Host, a name of ~/.ssh/config or an address (empty: this machine): ") or None
    if host is None:
        draft.settings["transport"] = "local"
    else:
        draft.settings["transport"] = "ssh"
        draft.settle("host", host)
        draft.settle("user", said.user)
        draft.settle("port", said.port)
    where = "bocr's folder there, below your home unless it begins with /" if host else "bocr's folder"
    draft.settle("root", said.root, f"{where}:", f"bocr-{draft.name}" if host else f"sites/{draft.name}")


def _jobs(draft: _Draft, said: Said) -> None:
    remote = draft.settings["transport"] == "ssh"
    asked_of_pbs = any(
        (said.queue, said.select, said.walltime, said.account, said.project, said.directives, said.pbs_exec)
    )
    guess = "pbs" if remote or asked_of_pbs else "direct"
    draft.settle("scheduler", said.scheduler, "Who starts jobs: pbs or direct (nobody else)?", guess)
    if draft.settings["scheduler"] == "pbs":
        draft.settle(("pbs", "queue"), said.queue, "Queue (empty: the server's default):")
        draft.settle(("pbs", "select"), said.select, "Resources, such as 1:ncpus=20:mem=180gb:ngpus=1:")
        draft.settle(
            ("pbs", "walltime"), said.walltime, "Walltime, hours:minutes:seconds (empty: the queue's):"
        )
        draft.settle(("pbs", "account"), said.account, "Account (empty: none):")
        draft.settle(("pbs", "project"), said.project)
        draft.settle("pbs_exec", said.pbs_exec)
        draft.settle(("pbs", "directives"), list(said.directives) or None)
        draft.settle("max_queued", said.max_queued, "Jobs to keep there at once, waiting and running:", 8)
    else:
        draft.settle("slots", said.slots, "Jobs to run at once:", 1)
        draft.settle("max_queued", said.max_queued)
    draft.settle("python", said.python)
    draft.settle("cores", said.cores)
    draft.lines("setup", said.setup, "Shell lines to begin every job, such as module load …")


def _environments(draft: _Draft, said: Said) -> None:
    engines = dict.fromkeys((*(said.activate or {}), *(said.python_of or {}), *(said.model or {})))
    if not engines and draft.ask:
        answer = _line("Engines with an environment of their own, such as rapidocr (empty: none): ")
        engines = dict.fromkeys(answer.split())
    for engine in engines:
        draft.settings.setdefault("environments", {}).setdefault(engine, {})
        lines = (said.activate or {}).get(engine)
        known = engine in {*(said.activate or {}), *(said.python_of or {}), *(said.model or {})}
        if known:
            draft.settle(("environments", engine, "activate"), list(lines) if lines else None)
        else:
            draft.lines(
                ("environments", engine, "activate"),
                None,
                f"{engine}: lines to activate it, as source activate …",
            )
        draft.settle(("environments", engine, "python"), (said.python_of or {}).get(engine))
        asked = "" if known else f"{engine}: the folder of the model's weights (empty: none):"
        draft.settle(("environments", engine, "model"), (said.model or {}).get(engine), asked)


def _line(prompt: str) -> str:
    """One line of a person's; the prompt goes to standard error. Raises KeyboardInterrupt at its end."""
    sys.stderr.write(prompt)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise KeyboardInterrupt
    return line.strip()


def _without_empty(settings: Settings) -> Settings:
    kept = {
        key: _without_empty(value) if isinstance(value, dict) else value for key, value in settings.items()
    }
    return {key: value for key, value in kept.items() if value != {}}
