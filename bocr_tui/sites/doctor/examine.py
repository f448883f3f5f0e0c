"""`bocr doctor SITE`: the checks in the order a person would mend what they find."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from bocr_tui.config.check import BAD, DOUBTFUL, GOOD, Check
from bocr_tui.config.engines import configured_stages, definition_of
from bocr_tui.config.errors import BocrError, SiteError
from bocr_tui.config.model import Config
from bocr_tui.sites.deploy import Prepared, prepare
from bocr_tui.sites.doctor.engines import (
    environment_checks,
    model_checks,
    runtime_checks,
    worker_checks,
)
from bocr_tui.sites.doctor.login_node import login_checks
from bocr_tui.sites.doctor.trial import WAIT_S, trial_check
from bocr_tui.sites.doctor.ways import Ways
from bocr_tui.sites.environments import OLDEST_PYTHON, SPLIT, environment_of, probe_environment
from bocr_tui.sites.site import Site
from bocr_tui.sites.transport.base import NeedsPerson, TransportLost
from bocr_tui.sites.vendor import Tell, lacking, requirements_of
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.fields import Fields


@dataclass(frozen=True)
class Examination:
    """`engines` are looked for in their environments. `bring`: what these lack is brought there now.
    `job`: a test job is submitted, and given `wait_s`. `asked_as`: for an engine of the configuration, whose
    name the worker there does not know, the one to ask after. `ways`: how the models are run."""

    engines: tuple[str, ...]
    bring: bool = True
    job: bool = True
    wait_s: float = WAIT_S
    asked_as: Mapping[str, str] = field(default_factory=dict)
    ways: Ways = field(default_factory=dict)


def asked_as(config: Config) -> dict[str, str]:
    """What the worker of a site is asked after in the place of engines that bocr.toml makes: what they are
    based on, or nothing but whether pages can be drawn."""
    definitions = {name: definition_of(config, name) for name in config.engines}
    return {name: str(said.get("based_on") or SPLIT) for name, said in definitions.items() if said}


def engines_of(config: Config, site_name: str) -> tuple[str, ...]:
    """Whose environments matter on a site: those that its jobs would run in, and those that it configures."""
    site = config.sites[site_name]
    wanted = [stage.engine for stage in configured_stages(config, site)]
    split = [SPLIT] if site.split is not None else []
    named = dict.fromkeys([*split, *wanted, *site.environments])
    return tuple(named)


async def examine(site: Site, what: Examination, tell: Tell) -> AsyncIterator[Check]:
    """Each check as soon as it is known; `tell` is told what takes long. Raises nothing of the site's."""
    connected = False
    async for check in _login(site):
        connected = connected or (check.name == "connection" and check.state == GOOD)
        yield check
    if not connected:
        return
    async for check in _scheduler(site):
        yield check
    prepared: dict[str, Prepared] = {}
    for engine in what.engines:
        async for check in _environment(site, engine, what, prepared, tell):
            yield check
    if what.job:
        async for check in _trial(site, what, prepared, tell):
            yield check


async def _login(site: Site) -> AsyncIterator[Check]:
    started_s = time.monotonic()
    try:
        answer = await site.transport.call("login_facts")
        took_s = time.monotonic() - started_s - _asked_s(site)
        async for check in _connected(site, took_s):
            yield check
        for check in login_checks(Fields(answer, "the login node"), took_s):
            yield check
    except NeedsPerson as error:
        yield Check("connection", BAD, error.cause, error.next_step)
    except TransportLost as error:
        yield Check("connection", BAD, error.cause, "Check the host, the network and ~/.ssh/config.")
    except SiteError as error:
        yield Check("login node", BAD, error.cause, error.next_step)
    except ProtocolError as error:
        yield Check(
            "login node", BAD, f"it gave an answer that makes no sense: {error}", "Is it the right host?"
        )


def _asked_s(site: Site) -> float:
    """How long a person took to answer what the connection asked: no part of the site's own time."""
    if site.config.transport == "local":
        return 0.0
    from bocr_tui.sites.transport.ssh.transport import SshTransport

    return site.transport.asked_s if isinstance(site.transport, SshTransport) else 0.0


async def _connected(site: Site, took_s: float) -> AsyncIterator[Check]:
    if site.config.transport == "local":
        yield Check("connection", GOOD, "this machine")
        return
    from bocr_tui.sites.transport.ssh.transport import SshTransport

    yield Check("connection", GOOD, f"{site.config.host}, first answer after {took_s:.1f} s")
    if isinstance(site.transport, SshTransport):
        key = await site.transport.host_key()
        yield Check("host key", GOOD, f"{key} is in known_hosts" if key else "vouched for by an authority")


async def _scheduler(site: Site) -> AsyncIterator[Check]:
    if site.config.scheduler == "direct":
        where = "this machine" if site.config.transport == "local" else "the host itself"
        yield Check(
            "scheduler", GOOD, f"none: jobs are processes of {where}, at once up to {site.config.slots}"
        )
        return
    from bocr_tui.sites.doctor.pbs import queue_checks, server_checks
    from bocr_tui.sites.scheduler.pbs.server import server_of

    try:
        server = server_of(await site.transport.call("server_pbs", {"pbs_exec": site.config.pbs_exec}))
        for check in (*server_checks(server), *queue_checks(server, site.config)):
            yield check
    except BocrError as error:
        yield Check("scheduler", BAD, error.cause, error.next_step or "Check the scheduler there by hand.")


async def _environment(
    site: Site, engine: str, what: Examination, prepared: dict[str, Prepared], tell: Tell
) -> AsyncIterator[Check]:
    config, transport = site.config, site.transport
    tell(f"Asking what the environment for {engine} has")
    try:
        known_as, ways = what.asked_as.get(engine, engine), what.ways.get(engine, ())
        facts = await probe_environment(transport, config, engine)
        lack = lacking(facts, requirements_of(engine))
        usable = facts.version >= OLDEST_PYTHON and not lack.unfit
        if what.bring and usable and environment_of(config, engine).vendor:
            prepared[engine] = await prepare(site, engine, tell, afresh=True)
        done = prepared.get(engine)
        for check in environment_checks(engine, facts, lack, done.vendor if done else None):
            yield check
        if done is not None:
            asked = {"worker": done.worker, "vendor": done.vendor, "asked_as": known_as}
            imports = any(not way.server for way in ways)
            facts = await probe_environment(transport, config, engine, **asked, imports=imports)
        for check in model_checks(engine, facts.model, ways):
            yield check
        for check in runtime_checks(engine, ways, facts):
            yield check
        if done is not None:
            for check in worker_checks(engine, facts.fitness, is_engine=known_as != SPLIT):
                yield check
    except BocrError as error:
        yield Check(f"environment {engine}", BAD, error.cause, error.next_step)


async def _trial(
    site: Site, what: Examination, prepared: dict[str, Prepared], tell: Tell
) -> AsyncIterator[Check]:
    engine = next((name for name in what.engines if name in prepared), None)
    if engine is None:
        yield Check(
            "test job", DOUBTFUL, "not tried: no environment is ready", "Mend what is said above first."
        )
        return
    tell(f"Submitting a test job in the environment for {engine}")
    try:
        yield await trial_check(site, engine, prepared[engine], what.wait_s)
    except BocrError as error:
        yield Check("test job", BAD, error.cause, error.next_step)
