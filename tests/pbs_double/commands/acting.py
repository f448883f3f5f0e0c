"""qdel, qhold, qrls, qalter, qrerun, qsig and qmove."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable

from tests.pbs_double import altering, usage
from tests.pbs_double.answers import Answer, Call
from tests.pbs_double.errors import BAD_SIGNAL, Ended, Refused, unauthorized
from tests.pbs_double.identifiers import Identifier, identifier
from tests.pbs_double.options import BadOption, Parsed, parse
from tests.pbs_double.site import Site

UNKNOWN = 15001


def _parsed(call: Call, letters: str, text: str) -> Parsed:
    try:
        parsed = parse(call.argv, letters)
    except BadOption as bad:
        raise Ended(2, bad.words(call.command) + text) from bad
    if not parsed.operands:
        raise Ended(2, text)
    return parsed


def _each(
    site: Site, call: Call, operands: list[str], act: Callable[[Identifier], None], bare: bool = False
) -> Answer:
    """Every operand in turn; the good ones are done whatever the others are. `bare`: a finished job is
    told without its id."""
    answer = Answer()
    for word in operands:
        target = identifier(word, site.settings.server)
        if target is None:
            answer.fail(1, f"{call.command}: illegally formed job identifier: {word}\n")
            continue
        try:
            act(target)
        except Refused as refused:
            full = target.full
            if refused.code == UNKNOWN and call.command == "qdel" and site.settings.build == "release":
                full = target.typed
            named = "" if bare and refused.words == "Job has finished" else f" {full}"
            answer.fail(refused.status, f"{call.command}: {refused.words}{named}\n")
    return answer


def qdel(site: Site, call: Call) -> Answer:
    """Raises Ended."""
    parsed = _parsed(call, "W:x", usage.QDEL)

    def delete(target: Identifier) -> None:
        job = site.find(target.seq)
        if "x" in parsed.flags and not job.live:
            if job.user != call.user:
                raise unauthorized()
            site.forget(target.seq)
        else:
            site.delete(target.seq, call.user)

    operands = list(dict.fromkeys(parsed.operands))
    return _each(site, call, operands, delete)


def qhold(site: Site, call: Call) -> Answer:
    """Raises Ended."""
    parsed = _parsed(call, "h:", "usage: qhold [-h hold_list] job_identifier...\n       qhold --version\n")
    return _each(site, call, parsed.operands, lambda one: site.hold(one.seq, call.user), bare=True)


def qrls(site: Site, call: Call) -> Answer:
    """Raises Ended."""
    parsed = _parsed(call, "h:", "usage: qrls [-h hold_list] job_identifier...\n       qrls --version\n")
    return _each(site, call, parsed.operands, lambda one: site.release(one.seq, call.user), bare=True)


def qalter(site: Site, call: Call) -> Answer:
    """Raises Ended."""
    parsed = _parsed(call, altering.LETTERS, usage.QALTER)
    altering.check(parsed)
    return _each(
        site, call, parsed.operands, lambda one: altering.alter(site, one.seq, call.user, parsed), bare=True
    )


def qrerun(site: Site, call: Call) -> Answer:
    """For operators only. Raises Ended."""
    parsed = _parsed(call, "W:", "usage: qrerun [-W force] job_identifier...\n       qrerun --version\n")

    def rerun(target: Identifier) -> None:
        site.find(target.seq)
        raise unauthorized()

    return _each(site, call, parsed.operands, rerun)


def qsig(site: Site, call: Call) -> Answer:
    """Raises Ended."""
    parsed = _parsed(call, "s:", "usage: qsig [-s signal] job_identifier...\n       qsig --version\n")
    name = parsed.last("s") or "SIGTERM"

    def send(target: Identifier) -> None:
        if name in ("suspend", "resume", "admin-suspend", "admin-resume"):
            site.find(target.seq)
            raise unauthorized()
        site.signal(target.seq, call.user, _number(name))

    return _each(site, call, parsed.operands, send)


def _number(name: str) -> int:
    if re.fullmatch(r"\d+", name):
        return int(name)
    found = signal.Signals.__members__.get(name if name.startswith("SIG") else f"SIG{name}")
    if found is None:
        raise Refused(BAD_SIGNAL, "Unknown/illegal signal name")
    return int(found)


def qmove(site: Site, call: Call) -> Answer:
    """Raises Ended."""
    parsed = _parsed(call, "", "usage: qmove destination job_identifier...\n       qmove --version\n")
    queue, *operands = parsed.operands
    return _each(site, call, operands, lambda one: altering.move(site, one.seq, call.user, queue))
