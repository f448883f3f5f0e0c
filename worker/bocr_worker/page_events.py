"""A page's events in the journal's words: what happened, how sure, and what made it."""

from __future__ import annotations

import re
import time
from typing import Any

from bocr_worker.protocol.events import FAILED, OK, STARTED, PageEvent, Provenance
from bocr_worker.protocol.manifest import Variation
from bocr_worker.protocol.recognition import Recognition
from bocr_worker.quality.verdict import Finding, Verdict
from bocr_worker.render.page import RenderedPage
from bocr_worker.runtimes.base import EngineIdentity
from bocr_worker.runtimes.openai.reading import PROMPT
from bocr_worker.work import Ladder, PageWork

_PROMPT_HASH = re.compile(r"\b[0-9a-f]{16}$")


class PageEvents:
    """Knows the engine and the ladder of one job, so that an event needs only what is the page's own."""

    def __init__(self, engine: str, identity: EngineIdentity, ladder: Ladder) -> None:
        self._engine = engine
        self._identity = identity
        self._ladder = ladder

    def started(self, page: PageWork, variation: Variation) -> PageEvent:
        return self._event(page, variation, STARTED)

    def accepted(
        self,
        page: PageWork,
        variation: Variation,
        rendered: RenderedPage,
        recognition: Recognition,
        verdict: Verdict,
        seconds: float,
    ) -> PageEvent:
        return self._event(
            page,
            variation,
            OK,
            seconds=seconds,
            evidence=_doubts(verdict),
            image=_image(rendered),
            provenance=self._provenance(page, variation, rendered, recognition),
            **_read(recognition, verdict),
        )

    def failed(
        self,
        page: PageWork,
        variation: Variation,
        finding: Finding,
        *,
        last: bool,
        rendered: RenderedPage | None = None,
        recognition: Recognition | None = None,
        verdict: Verdict | None = None,
        seconds: float = 0.0,
    ) -> PageEvent:
        return self._event(
            page,
            variation,
            FAILED,
            failure=finding.failure,
            evidence={**finding.evidence, **(_doubts(verdict) if verdict else {})},
            seconds=seconds,
            image=_image(rendered) if rendered else {},
            provenance=self._provenance(page, variation, rendered, recognition),
            last=last,
            **(_read(recognition, verdict) if recognition else {}),
        )

    def _event(self, page: PageWork, variation: Variation, status: str, **fields: Any) -> PageEvent:
        return PageEvent(
            document=page.document.sha256,
            page=page.number,
            status=status,
            attempt=page.attempts,
            at=time.time(),
            variation=variation.name,
            **fields,
        )

    def _provenance(
        self,
        page: PageWork,
        variation: Variation,
        rendered: RenderedPage | None,
        recognition: Recognition | None,
    ) -> Provenance:
        return Provenance(
            engine=self._engine,
            engine_version=self._identity.version,
            weights=self._identity.weights,
            prompt_hash=_prompt_hash(recognition),
            settings_hash=self._ladder.settings(variation, page.document),
            render_hash=rendered.render_hash if rendered else "",
        )


def _prompt_hash(recognition: Recognition | None) -> str:
    """Of the question that the answer is to; empty for engines that are asked none, or gave no answer."""
    asked = recognition.extra.get(PROMPT) if recognition else None
    found = _PROMPT_HASH.search(asked) if isinstance(asked, str) else None
    return found.group(0) if found else ""


def _read(recognition: Recognition, verdict: Verdict | None) -> dict[str, Any]:
    return {
        "language": recognition.language,
        "usage": recognition.usage,
        "confidence": recognition.confidence,
        "score": verdict.score if verdict else None,
        "scripts": verdict.scripts if verdict else {},
    }


def _doubts(verdict: Verdict) -> dict[str, Any]:
    if not verdict.doubts:
        return {}
    return {"doubts": {str(doubt.failure): doubt.evidence for doubt in verdict.doubts}}


def _image(page: RenderedPage) -> dict[str, Any]:
    facts = page.facts
    return {
        "width_px": facts.width_px,
        "height_px": facts.height_px,
        "dpi": round(facts.dpi, 1),
        "ink": round(facts.ink, 5),
        "blank": facts.blank,
        **({"capped": True} if facts.capped else {}),
        **({"prepared": list(page.applied)} if page.applied else {}),
    }
