"""What filters can ask of each list's rows."""

from __future__ import annotations

from bocr_tui.catalog.filter_language import Field, Grammar
from bocr_tui.catalog.words import BatchState, DocumentState, JobCause, JobState, PageState
from bocr_worker.protocol.failures import FailureClass


def _words(kind: type[PageState | DocumentState | BatchState | JobState | JobCause]) -> tuple[str, ...]:
    return tuple(str(each) for each in kind)


_NUMBER = "a whole number"
_NAME = "a part of a name"
_AGE = "a time as 30m, 2h or 3d"

PAGE_FIELDS = Grammar(
    (
        Field("state", "word", "a state", _words(PageState)),
        Field("class", "word", "a class", tuple(str(each) for each in FailureClass), ("failure",)),
        Field("engine", "open", "an engine's name"),
        Field("doc", "name", _NAME, aliases=("document", "name")),
        Field("batch", "name", _NAME),
        Field("job", "name", _NAME, aliases=("token",)),
        Field("lang", "open", "a language as ar or fr", aliases=("language",)),
        Field("conf", "share", "a number from 0 to 1, or a percentage", aliases=("confidence",)),
        Field("page", "number", _NUMBER, aliases=("number",)),
        Field("tries", "number", _NUMBER, aliases=("attempts",)),
        Field("changed", "age", _AGE),
    )
)

DOCUMENT_FIELDS = Grammar(
    (
        Field("state", "word", "a state", _words(DocumentState)),
        Field("doc", "name", _NAME, aliases=("document", "name")),
        Field("lang", "open", "a language as ar or fr", aliases=("language",)),
        Field("pages", "number", _NUMBER),
        Field("reason", "name", "a part of the reason"),
        Field("added", "age", _AGE),
    )
)

BATCH_FIELDS = Grammar(
    (
        Field("state", "word", "a state", _words(BatchState)),
        Field("batch", "name", _NAME, aliases=("name",)),
        Field("pages", "number", _NUMBER),
        Field("documents", "number", _NUMBER, aliases=("docs",)),
        Field("created", "age", _AGE),
    )
)

JOB_FIELDS = Grammar(
    (
        Field("state", "word", "a state", _words(JobState)),
        Field("cause", "word", "a cause", _words(JobCause)),
        Field("engine", "open", "an engine's name"),
        Field("site", "open", "a site's name"),
        Field("batch", "name", _NAME),
        Field("job", "name", _NAME, aliases=("token", "name")),
        Field("id", "name", "a part of the scheduler's id"),
        Field("reason", "name", "a part of the reason"),
        Field("stage", "number", _NUMBER),
        Field("failed", "number", _NUMBER),
        Field("pages", "number", _NUMBER),
        Field("submitted", "age", _AGE),
    )
)
