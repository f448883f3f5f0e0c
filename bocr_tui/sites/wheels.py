"""Wheels for another machine: chosen by pip for its Python, with what lies there already taken as given.

For each package that an environment has, pip is shown a stub of a wheel with that version (marked as a local
one, so that no registry can offer it), and held to it. It then resolves the rest against exactly what is
there, and downloads none of it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from bocr_tui.config.errors import SiteError
from bocr_tui.sites.environments import EnvironmentFacts

PIP_TIMEOUT_S = 900.0
"""A hundred megabytes over a slow line, and the resolver's questions."""

STUB = "bocrstub"
_OLDEST_GLIBC_MINOR = 17
_MOST_GLIBC_MINOR = 99
_TOLD_LINES = 3


class CannotFetch(SiteError):
    """pip got no wheels; the cause holds its words. Another pip, on another machine, may."""


@dataclass(frozen=True)
class Wheel:
    """A wheel on this machine."""

    path: Path
    sha256: str
    size_bytes: int


def stub_wheels(distributions: Mapping[str, str]) -> dict[str, bytes]:
    """A stub for each package, by file name, and constraints.txt that holds pip to them."""
    files: dict[str, bytes] = {}
    constraints = []
    for name, said in sorted(distributions.items()):
        try:
            version = Version(said)
        except InvalidVersion:
            continue  # pip could not compare it either
        local = f"{version.local}.{STUB}" if version.local else STUB
        pinned = f"{version.public}+{local}"
        plain = canonicalize_name(name).replace("-", "_")
        files[f"{plain}-{pinned}-py3-none-any.whl"] = _stub(plain, name, pinned)
        constraints.append(f"{name}=={pinned}\n")
    return {**files, "constraints.txt": "".join(constraints).encode()}


def _stub(plain: str, name: str, version: str) -> bytes:
    folder = f"{plain}-{version}.dist-info"
    files = {
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{folder}/WHEEL": "Wheel-Version: 1.0\nGenerator: bocr\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={_record_hash(text)},{len(text.encode())}\n" for path, text in files.items()
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for path, text in {**files, f"{folder}/RECORD": f"{record}{folder}/RECORD,,\n"}.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return made.getvalue()


def _record_hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def is_stub(name: str) -> bool:
    """Whether a file that pip collected is one of ours and no wheel at all."""
    try:
        return (parse_wheel_filename(name)[1].local or "").endswith(STUB)
    except (InvalidWheelFilename, InvalidVersion):
        return False


def platforms_of(facts: EnvironmentFacts) -> list[str]:
    """Platform tags that the machine takes, the newest first."""
    system, _, machine = facts.platform.replace(".", "_").partition("-")
    if system != "linux":
        return [facts.platform.replace(".", "_").replace("-", "_")]
    machine = machine.replace("-", "_")
    name, version = (*facts.libc, "", "")[:2]
    if name != "glibc":
        return [f"musllinux_1_2_{machine}", f"musllinux_1_1_{machine}", f"linux_{machine}"]
    minor = version.partition(".")[2].partition(".")[0]
    newest = min(int(minor), _MOST_GLIBC_MINOR) if minor.isdecimal() else _OLDEST_GLIBC_MINOR
    tags = [f"manylinux_2_{number}_{machine}" for number in range(newest, _OLDEST_GLIBC_MINOR - 1, -1)]
    return [*tags, f"manylinux2014_{machine}", f"linux_{machine}"]


def pip_arguments(facts: EnvironmentFacts, requirements: Iterable[str]) -> list[str]:
    """For `pip download` on any machine, but the folders."""
    platforms = [word for tag in platforms_of(facts) for word in ("--platform", tag)]
    implementation = "pp" if facts.implementation == "pypy" else "cp"
    said = ["--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--only-binary", ":all:"]
    return [
        *said,
        *platforms,
        "--implementation",
        implementation,
        "--python-version",
        facts.python,
        *requirements,
    ]


def cache_folder() -> Path:
    """Where fetched wheels are kept on this machine."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "bocr" / "wheels"
    base = os.environ.get("XDG_CACHE_HOME") or ""
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "bocr" / "wheels"


async def fetch_wheels(facts: EnvironmentFacts, requirements: tuple[str, ...]) -> list[Wheel]:
    """What the environment needs for these requirements and lacks, from the cache or by this machine's
    pip. Raises CannotFetch with pip's words."""
    folder = cache_folder() / wheels_key(facts, requirements)
    if not (folder / _COMPLETE).is_file():
        await _download(facts, requirements, folder)
    return await asyncio.to_thread(_wheels_in, folder)


_COMPLETE = "complete"


def wheels_key(facts: EnvironmentFacts, requirements: tuple[str, ...]) -> str:
    """The same for environments that would be given the same wheels."""
    asked = [pip_arguments(facts, requirements), sorted(facts.distributions.items())]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


async def _download(facts: EnvironmentFacts, requirements: tuple[str, ...], folder: Path) -> None:
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".part-") as made:
        stubs, got = Path(made) / "stubs", Path(made) / "got"
        stubs.mkdir()
        got.mkdir()
        for name, data in stub_wheels(facts.distributions).items():
            (stubs / name).write_bytes(data)
        constraints = ["--constraint", str(stubs / "constraints.txt")]
        where = ["--dest", str(got), "--find-links", str(stubs), *constraints]
        await _run_pip(["download", *where, *pip_arguments(facts, requirements)])
        for path in got.iterdir():
            if is_stub(path.name):
                path.unlink()
        (got / _COMPLETE).touch()
        shutil.rmtree(folder, ignore_errors=True)  # one that was cut short
        got.rename(folder)


async def _run_pip(arguments: list[str]) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pip", *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(PIP_TIMEOUT_S):
            _, told = await process.communicate()
    except TimeoutError:
        raise CannotFetch(f"pip took longer than {PIP_TIMEOUT_S:.0f} s on this machine.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise CannotFetch(f"pip on this machine: {pip_words(told.decode('utf-8', 'replace'))}.")


def pip_words(told: str) -> str:
    """The lines of pip's complaint that say why."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return "; ".join((errors or lines)[:_TOLD_LINES]).rstrip(".") or "it failed without a word"


def _wheels_in(folder: Path) -> list[Wheel]:
    wheels = []
    for path in sorted(folder.glob("*.whl")):
        data = path.read_bytes()
        wheels.append(Wheel(path, hashlib.sha256(data).hexdigest(), len(data)))
    return wheels
