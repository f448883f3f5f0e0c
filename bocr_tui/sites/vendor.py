"""What an environment lacks of what a job imports, brought to the site in a folder of its own.

The folder is appended to the end of the worker's sys.path and nowhere else: nothing is installed into an
environment, and nothing goes ahead of its packages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from bocr_tui.config.errors import SiteError
from bocr_tui.config.model import SiteConfig
from bocr_tui.sites import wheels
from bocr_tui.sites.environments import EnvironmentFacts, python_command, shell_lines
from bocr_tui.sites.transport.base import Transport, TransportLost

WORKER_PACKAGES = ("numpy>=1.24", "pillow>=10.1", "pypdfium2>=5.0")
"""What every job imports to draw pages: the oldest versions with which the tests of drawing passed."""

Tell = Callable[[str], None]

_PARCEL_BYTES = 8 << 20

_ANY_VERSION = "99999"
"""High enough for whatever asks for a package that is left out."""

_UNPACK_TIMEOUT_S = 600.0
"""A few thousand small files on a network file system."""


def requirements_of(engine: str) -> tuple[str, ...]:
    """What a job with this engine imports. For an engine that bocr does not know: what every job does."""
    from bocr_worker.engines.registry import all_engines

    spec = all_engines().get(engine)
    return (*WORKER_PACKAGES, *(spec.packages if spec else ()))


def left_out(engine: str) -> tuple[str, ...]:
    """What those ask for in their turn and the engine never imports."""
    from bocr_worker.engines.registry import all_engines

    spec = all_engines().get(engine)
    return spec.leave_out if spec else ()


@dataclass(frozen=True)
class Lack:
    """`missing` requirements can be brought; of `unfit` packages the environment has a version that is too
    old, and its own comes first, so nothing can be done from outside."""

    missing: tuple[str, ...]
    unfit: tuple[str, ...]


def lacking(facts: EnvironmentFacts, requirements: tuple[str, ...]) -> Lack:
    """What of these requirements the environment does not meet."""
    missing, unfit = [], []
    for said in requirements:
        wanted = Requirement(said)
        there = facts.distributions.get(canonicalize_name(wanted.name))
        if there is None:
            missing.append(said)
        elif not _meets(there, wanted):
            unfit.append(f"{wanted.name} {there} (needed: {wanted.specifier})")
    return Lack(tuple(missing), tuple(unfit))


def _meets(version: str, wanted: Requirement) -> bool:
    try:
        return wanted.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return True  # a build of somebody's own: the worker says whether it serves


async def bring(
    transport: Transport, config: SiteConfig, engine: str, facts: EnvironmentFacts, lack: Lack, tell: Tell
) -> str:
    """Bring what is missing. Returns its folder below the root. Raises SiteError with pip's words when
    neither this machine nor the site can get it."""
    names = ", ".join(Requirement(said).name for said in lack.missing)
    tell(f"The environment for {engine} (Python {facts.python}) lacks {names}: fetching")
    facts = _as_if_there(facts, left_out(engine), lack)
    troubles = []
    for way in _WAYS[config.packages_from]:
        try:
            return await way(transport, config, engine, facts, lack.missing, tell)
        except wheels.CannotFetch as error:  # noqa: PERF203 - two ways at most
            troubles.append(error.cause)
    raise SiteError(
        f"What the environment for {engine} lacks ({names}) cannot be fetched. {' '.join(troubles)}",
        "Install it there, or let pip reach a package registry.",
    )


def _as_if_there(facts: EnvironmentFacts, names: Iterable[str], lack: Lack) -> EnvironmentFacts:
    """The same environment, as pip shall see it: what is never imported is not fetched either."""
    wanted = {canonicalize_name(Requirement(said).name) for said in lack.missing}
    there: dict[str, str] = {canonicalize_name(name): _ANY_VERSION for name in names}
    there = {name: version for name, version in there.items() if name not in wanted}
    return replace(facts, distributions={**there, **facts.distributions})


async def _from_here(
    transport: Transport,
    config: SiteConfig,
    engine: str,
    facts: EnvironmentFacts,
    requirements: tuple[str, ...],
    tell: Tell,
) -> str:
    """Fetched by this machine's pip, sent as wheels and unpacked there."""
    del config, engine
    fetched = await wheels.fetch_wheels(facts, requirements)
    folder = _folder((wheel.path.name, wheel.sha256) for wheel in fetched)
    for number, parcel in enumerate(parcels := _parcels(fetched), 1):
        size_mb = sum(wheel.size_bytes for wheel in parcel) / 1e6
        tell(f"Sending {parcel[-1].path.name} ({number} of {len(parcels)}, {size_mb:.1f} MB)")
        await transport.stage({_place(wheel): {wheel.path.name: wheel.path.read_bytes()} for wheel in parcel})
    sent = [[f"{_place(wheel)}/{wheel.path.name}", wheel.sha256] for wheel in fetched]
    return await _unpack(transport, folder, sent, tell)


def _place(wheel: wheels.Wheel) -> str:
    return f"wheels/{wheel.sha256[:16]}"


def _parcels(fetched: list[wheels.Wheel]) -> list[list[wheels.Wheel]]:
    """Wheels that are sent together: small ones in one round trip, a large one alone."""
    parcels: list[list[wheels.Wheel]] = []
    for wheel in sorted(fetched, key=lambda wheel: wheel.size_bytes):
        if not parcels or sum(one.size_bytes for one in parcels[-1]) + wheel.size_bytes > _PARCEL_BYTES:
            parcels.append([])
        parcels[-1].append(wheel)
    return parcels


async def _from_there(
    transport: Transport,
    config: SiteConfig,
    engine: str,
    facts: EnvironmentFacts,
    requirements: tuple[str, ...],
    tell: Tell,
) -> str:
    """Fetched by the environment's own pip on the site, into a folder of wheels, and unpacked."""
    key = wheels.wheels_key(facts, requirements)
    stubs, target = f"wheels/{key}-stubs", f"wheels/{key}-got"
    tell("Fetching it on the site")
    await transport.stage({stubs: wheels.stub_wheels(facts.distributions)})
    order = {
        "lines": list(shell_lines(config, engine)),
        "python": python_command(config, engine),
        "arguments": wheels.pip_arguments(facts, requirements),
        "stubs": stubs,
        "folder": target,
        "timeout_s": wheels.PIP_TIMEOUT_S,
    }
    try:
        answer = await transport.call("download_wheels", order, timeout_s=wheels.PIP_TIMEOUT_S + 30)
    except TransportLost:
        raise
    except SiteError as error:
        raise wheels.CannotFetch(f"pip on the site: {wheels.pip_words(error.cause)}.") from error
    await transport.call("discard_wheels", stubs)
    got = [(str(one["name"]), str(one["sha256"])) for one in answer if not wheels.is_stub(str(one["name"]))]
    return await _unpack(
        transport, _folder(got), [[f"{target}/{name}", sha256] for name, sha256 in got], tell
    )


async def _unpack(transport: Transport, folder: str, sent: list[list[str]], tell: Tell) -> str:
    tell(f"Unpacking into {folder}")
    size_bytes = await transport.call("unpack_wheels", folder, sent, timeout_s=_UNPACK_TIMEOUT_S)
    tell(f"{folder} holds {int(size_bytes) / 1e6:.0f} MB")
    return folder


def _folder(contents: Iterable[tuple[str, str]]) -> str:
    """`vendor/<hash>`: the same wheels for two environments lie there once."""
    listed = "".join(f"{name} {sha256}\n" for name, sha256 in sorted(contents))
    return f"vendor/{hashlib.sha256(listed.encode()).hexdigest()[:16]}"


_WAYS = {
    "here": (_from_here,),
    "site": (_from_there,),
    "either": (_from_here, _from_there),
}
