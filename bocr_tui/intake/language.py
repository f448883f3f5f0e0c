"""The language of a document at import: what a person said, then a rule, then what its name says."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from bocr_tui.config.errors import UsageError
from bocr_tui.config.workspace import Workspace
from bocr_tui.intake.names import display_name
from bocr_tui.sites.documents import parse_site_path
from bocr_worker.language import language_of_name

PERSON, RULE, NAME, DETECTED = "person", "rule", "name", "detected"

_RANKS = {None: 0, DETECTED: 1, NAME: 2, RULE: 3, PERSON: 4}
"""A word of a higher rank replaces one of a lower."""

_CODE = re.compile(r"[a-z]{2,3}")


@dataclass(frozen=True)
class Language:
    """A language and where it comes from; both None when nothing is known."""

    code: str | None = None
    source: str | None = None

    def replaces(self, code: str | None, source: str | None) -> bool:
        """Whether this is news for a document of which that is known. A person and a rule may change their
        word; two names of one document may not contradict each other in turns."""
        if self.source is None or (self.code, self.source) == (code, source):
            return False
        mine, other = _RANKS[self.source], _RANKS.get(source, 0)
        return mine > other or (mine == other and self.source in (PERSON, RULE))


def _folder(workspace: Workspace, root: str) -> bytes:
    """A rule's folder as paths of sources begin: of this machine, or `site:<name>:<folder>`."""
    if parse_site_path(os.fsencode(root)) is not None:
        return os.fsencode(root)
    return os.path.realpath(os.fsencode(workspace.root / root))


class Languages:
    """What a person and the workspace's configuration say about an import."""

    def __init__(self, workspace: Workspace, spoken: str | None) -> None:
        """Raises UsageError when `spoken` is no ISO 639 code."""
        if spoken is not None and not _CODE.fullmatch(spoken):
            raise UsageError(f"{spoken!r} is no language code.", "Give an ISO 639 code such as fr, ar or en.")
        self._spoken = spoken
        rules = [(_folder(workspace, rule.root), rule.language) for rule in workspace.config.language_rules]
        self._rules = sorted(rules, key=lambda rule: -len(rule[0]))

    def of(self, path: bytes) -> Language:
        """The language of the file at an absolute path. Of several rules the deepest folder's holds."""
        if self._spoken is not None:
            return Language(self._spoken, PERSON)
        for root, language in self._rules:
            if path.startswith(root.rstrip(b"/") + b"/"):
                return Language(language, RULE)
        named = language_of_name(display_name(os.path.basename(path)))
        return Language(named, NAME) if named else Language()
