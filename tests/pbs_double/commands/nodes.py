"""pbsnodes."""

from __future__ import annotations

from tests.pbs_double import documents, text
from tests.pbs_double.answers import Answer, Call, zone_of
from tests.pbs_double.attributes import Attributes, Value, date
from tests.pbs_double.errors import Ended
from tests.pbs_double.jobs import Job
from tests.pbs_double.options import BadOption, parse
from tests.pbs_double.scheduler import assigned
from tests.pbs_double.settings import Node
from tests.pbs_double.site import Site

_ALWAYS = ("accelerator_memory", "hbmem", "mem", "naccelerators", "ncpus", "ngpus", "vmem")


def run(site: Site, call: Call) -> Answer:
    """Raises Ended."""
    try:
        parsed = parse(call.argv, "aC:d:D:F:HjLlo:r:sSvu")
    except BadOption as bad:
        raise Ended(2, bad.words("pbsnodes")) from bad
    wanted = parsed.operands
    known = {node.name: node for node in site.settings.nodes}
    for name in wanted:
        if name not in known:
            return Answer(1, err=text.encoded(f"Node: {name},  Error: Unknown node \n"))
    nodes = [known[name] for name in wanted] if wanted else site.settings.nodes
    if parsed.last("F") == "json":
        short = "S" in parsed.flags
        section = [(node.name, _short(node, site) if short else _attributes(site, node)) for node in nodes]
        build, server = site.settings.build, site.settings.server
        spoiled = site.settings.faults.json_invalid
        return Answer(0, documents.document(build, server, "nodes", section, spoiled))
    if "S" in parsed.flags:
        return Answer(0, _table(site, nodes))
    with zone_of(call.environment):
        return Answer(0, b"".join(_text(site, node) for node in nodes))


def _jobs(site: Site, node: Node) -> list[Job]:
    return [job for job in site.jobs.values() if job.state in "RSE" and job.exec_node == node.name]


def _state(site: Site, node: Node) -> str:
    if node.down:
        return "down"
    return "job-busy" if assigned(site, node).get("ncpus", 0) >= node.ncpus else "free"


def _taken(site: Site, node: Node) -> dict[str, str | int]:
    taken = assigned(site, node)
    return {
        name: f"{taken[name]}kb" if name == "mem" else taken[name] for name in sorted(taken) if taken[name]
    }


def _available(node: Node) -> list[tuple[str, str | int]]:
    return [
        ("arch", "linux"), ("host", node.name), ("mem", f"{node.mem_kb}kb"), ("ncpus", node.ncpus),
        ("ngpus", node.ngpus), ("vnode", node.name),
    ]  # fmt: skip


def _attributes(site: Site, node: Node) -> Attributes:
    jobs = _jobs(site, node)
    found: Attributes = [("Mom", node.name), ("ntype", "PBS"), ("state", _state(site, node)), ("pcpus", 2)]
    if jobs:
        found.append(("jobs", ", ".join(job.id for job in jobs)))
    found += [
        ("resources_available", _available(node)),
        ("resources_assigned", list(_taken(site, node).items())),
    ]
    if node.down:
        found.append(("comment", "node down: communication closed"))
    found += [("resv_enable", "True"), ("sharing", "default_shared"), ("license", "l")]
    found.append(("last_state_change_time", int(site.began)))
    if jobs:
        found.append(("last_used_time", int(max(job.stime for job in jobs))))
    return found


def _short(node: Node, site: Site) -> Attributes:
    return [
        ("State", _state(site, node)), ("OS", "--"), ("hardware", "--"), ("host", node.name), ("queue", "--"),
        ("Memory", _gb(node.mem_kb)), ("ncpus", node.ncpus),
        ("nmics", 0 if site.settings.build == "master" else ""),
        ("ngpus", node.ngpus), ("comment", "--"),
    ]  # fmt: skip


def _table(site: Site, nodes: list[Node]) -> bytes:
    lines = [
        "                                                        mem       ncpus   nmics   ngpus",
        "vnode           state           njobs   run   susp      f/t        f/t     f/t     f/t   jobs",
        "--------------- --------------- ------ ----- ------ ------------ ------- ------- ------- -------",
    ]
    for node in nodes:
        jobs, taken = _jobs(site, node), assigned(site, node)
        running = sum(1 for job in jobs if job.state in "RE")
        memory = f"{_gb(node.mem_kb - taken.get('mem', 0))}/{_gb(node.mem_kb)}"
        shares = [
            f"{total - taken.get(name, 0)}/{total}"
            for name, total in (("ncpus", node.ncpus), ("nmics", 0), ("ngpus", node.ngpus))
        ]
        numbers = " ".join(f"{share:>7}" for share in shares)
        names = ",".join(str(job.seq) for job in jobs) or "--"
        lines.append(
            f"{node.name:<15} {_state(site, node):<15} {len(jobs):>6} {running:>5} {len(jobs) - running:>6} "
            f"{memory:>12} {numbers} {names}"
        )
    return text.encoded("\n".join(lines) + "\n")


def _gb(kilobytes: int) -> str:
    return f"{-(-kilobytes // (1 << 20))}gb"


def _text(site: Site, node: Node) -> bytes:
    lines = [node.name]
    for name, value in _attributes(site, node):
        shown = _as_text(site, node, name, value)
        if isinstance(shown, list):
            lines += [f"     {name}.{part} = {words}" for part, words in shown]
        else:
            lines.append(f"     {name} = {shown}")
    return text.encoded("\n".join(lines) + "\n\n")


def _as_text(site: Site, node: Node, name: str, value: Value) -> Value:
    """Where the text differs from JSON."""
    if name == "jobs":
        return ", ".join(_seats(job) for job in _jobs(site, node))
    if name == "resources_assigned":
        taken = _taken(site, node)
        return [(one, taken.get(one, _nothing(one))) for one in _ALWAYS if one in taken or one != "ngpus"]
    return date(float(str(value))) if name.endswith("_time") else value


def _nothing(name: str) -> str | int:
    return "0kb" if "mem" in name else 0


def _seats(job: Job) -> str:
    ncpus = int(job.resources.get("ncpus", 1))
    return ", ".join(f"{job.id}/{job.exec_slot + at}" for at in range(ncpus))
