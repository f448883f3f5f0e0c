"""The commands, by name: each takes the site and a call, and answers."""

from __future__ import annotations

from collections.abc import Callable

from tests.pbs_double.answers import Answer, Call
from tests.pbs_double.commands import acting, nodes, qselect, qstat, qsub
from tests.pbs_double.errors import Ended
from tests.pbs_double.settings import VERSION
from tests.pbs_double.site import Site
from tests.pbs_double.text import encoded

BY_NAME: dict[str, Callable[[Site, Call], Answer]] = {
    "qsub": qsub.run,
    "qstat": qstat.run,
    "qselect": qselect.run,
    "qdel": acting.qdel,
    "qhold": acting.qhold,
    "qrls": acting.qrls,
    "qalter": acting.qalter,
    "qrerun": acting.qrerun,
    "qsig": acting.qsig,
    "qmove": acting.qmove,
    "pbsnodes": nodes.run,
}


def answer(site: Site, call: Call) -> Answer:
    """One command, with a server that is there."""
    if call.argv == ["--version"]:
        return Answer(0, f"pbs_version = {VERSION}\n".encode())
    try:
        return BY_NAME[call.command](site, call)
    except Ended as ended:
        return Answer(ended.status, encoded(ended.out), encoded(ended.err))
