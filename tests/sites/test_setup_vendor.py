"""What an environment lacks: resolved against what it has, fetched, sent, unpacked beside it, kept whole."""

from __future__ import annotations

import io
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bocr_tui.config.errors import SiteError
from bocr_tui.config.model import EnvironmentConfig, SiteConfig
from bocr_tui.sites import deploy, vendor, wheels
from bocr_tui.sites.deploy import Prepared, forget_prepared, prepare, worker_files
from bocr_tui.sites.environments import EnvironmentFacts
from bocr_tui.sites.helper.folders import LISTING
from bocr_tui.sites.helper.refusal import Refused
from bocr_tui.sites.helper.runs import sha256_of
from bocr_tui.sites.helper.wheels import unpack_wheels
from bocr_tui.sites.scheduler.direct import DirectScheduler
from bocr_tui.sites.site import DIRECT_PATIENCE, Site
from bocr_tui.sites.transport.local import LocalTransport
from tests.sites.sshd import Sshd
from tests.sites.wheelhouse import ANYTHING, make_environment, make_wheel, worker_wheels

FACTS = EnvironmentFacts((3, 10, 13), "cpython", "/x", "linux-x86_64", ("glibc", "2.28"), {}, {})


class CountingTransport(LocalTransport):
    """Remembers what was asked of the site."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked: list[str] = []

    async def call(self, function: str, *arguments: object, timeout_s: float = 60.0) -> Any:
        self.asked.append(function)
        return await super().call(function, *arguments, timeout_s=timeout_s)

    async def stage(self, folders: Any) -> None:
        self.asked.append("stage")
        await super().stage(folders)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only wheels that pip finds; nothing is asked of a network."""
    folder = worker_wheels(tmp_path / "registry")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    for name, value in (
        ("PIP_CONFIG_FILE", os.devnull),
        ("PIP_NO_INDEX", "1"),
        ("PIP_FIND_LINKS", str(folder)),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(wheels, "cache_folder", lambda: tmp_path / "cache" / "wheels")
    return folder


MakeSite = Callable[..., Site]


@pytest.fixture
def make_site(tmp_path: Path) -> MakeSite:
    def make(environment: Path | None = None, **settings: Any) -> Site:
        transport = CountingTransport(tmp_path / "site")
        python = str(environment / "bin" / "python") if environment else sys.executable
        own = {"python": python, "vendor": settings.pop("vendor", True)}
        config = SiteConfig(environments={"noop": EnvironmentConfig.model_validate(own)}, **settings)
        return Site("here", config, transport, DirectScheduler(transport), 1, 1, 1, DIRECT_PATIENCE)

    return make


def _asked(site: Site) -> list[str]:
    assert isinstance(site.transport, CountingTransport)
    asked, site.transport.asked = site.transport.asked, []
    return asked


def _here(prepared: Prepared, site: Site) -> Path:
    assert isinstance(site.transport, CountingTransport)
    return site.transport.root / prepared.vendor


async def test_only_what_is_missing_is_brought_and_the_environment_stays_as_it_was(
    registry: Path, make_site: MakeSite, tmp_path: Path
) -> None:
    own = make_wheel(tmp_path / "own", "pillow", "11.3.0", files={"PIL/__init__.py": ANYTHING})
    environment = make_environment(tmp_path / "env", own)
    before = sorted(path for path in environment.rglob("*") if "__pycache__" not in str(path))
    told: list[str] = []
    site = make_site(environment)
    prepared = await prepare(site, "noop", told.append)
    brought = sorted(path.name for path in _here(prepared, site).iterdir() if "info" not in path.name)
    assert brought == [LISTING, "numpy", "pdf_parts", "pypdfium2"]
    assert sorted(path for path in environment.rglob("*") if "__pycache__" not in str(path)) == before
    assert any("lacks numpy, pypdfium2" in line for line in told)
    assert not list((site.transport.root / "wheels").iterdir())  # type: ignore[attr-defined]


async def test_asking_again_costs_nothing_and_a_new_process_one_round_trip(
    registry: Path, make_site: MakeSite, tmp_path: Path
) -> None:
    environment = make_environment(tmp_path / "env")
    first = make_site(environment)
    prepared = await prepare(first, "noop", print)
    _asked(first)
    assert await prepare(first, "noop", print) == prepared
    assert _asked(first) == []
    again = make_site(environment)
    assert await prepare(again, "noop", print) == prepared
    assert _asked(again) == ["look_prepared"]


async def test_a_machine_of_its_own_needs_the_worker_alone(make_site: MakeSite) -> None:
    site = make_site()
    prepared = await prepare(site, "rapidocr", print)
    assert prepared == Prepared(deploy.worker_folder(), "")
    assert _asked(site) == ["look_prepared", "stage"]
    assert deploy.worker_folder().startswith("workers/0.")


async def test_files_that_were_purged_come_back(registry: Path, make_site: MakeSite, tmp_path: Path) -> None:
    environment = make_environment(tmp_path / "env")
    site = make_site(environment)
    prepared = await prepare(site, "noop", print)
    root: Path = site.transport.root  # type: ignore[attr-defined]
    gone = [
        root / prepared.worker / "bocr_worker" / "stage.py",
        _here(prepared, site) / "numpy" / "__init__.py",
    ]
    for path in gone:
        path.unlink()
    forget_prepared(site.transport)
    assert await prepare(site, "noop", print) == prepared
    assert gone[0].read_bytes() == worker_files()["bocr_worker/stage.py"]
    assert gone[1].read_text() == ANYTHING


async def test_an_environment_that_changed_is_looked_into_again(
    registry: Path, make_site: MakeSite, tmp_path: Path
) -> None:
    environment = make_environment(tmp_path / "env")
    before = await prepare(make_site(environment), "noop", print)
    (packages,) = environment.glob("lib/python*/site-packages")
    with zipfile.ZipFile(
        make_wheel(tmp_path / "own", "numpy", "2.0.5", files={"numpy/__init__.py": ANYTHING})
    ) as archive:
        archive.extractall(packages)
    site = make_site(environment)
    after = await prepare(site, "noop", print)
    assert "probe_environment" in _asked(site)
    assert after.vendor != before.vendor
    assert not (_here(after, site) / "numpy").exists()


async def test_what_is_remembered_can_be_doubted(registry: Path, make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site(make_environment(tmp_path / "env"))
    prepared = await prepare(site, "noop", print)
    _asked(site)
    assert await prepare(site, "noop", print, afresh=True) == prepared
    assert _asked(site).count("probe_environment") == 2


async def test_what_is_there_decides_which_versions_are_brought(registry: Path) -> None:
    make_wheel(registry, "reader", "2.0", needs=["numpy>=2"])
    make_wheel(registry, "reader", "1.0", needs=["numpy>=1.21,<2", "torch==2.6.0", "odd"])
    facts = EnvironmentFacts(
        **{
            **FACTS.__dict__,
            "distributions": {"numpy": "1.26.4", "torch": "2.6.0+cu118", "odd": "1.0"},
        }
    )
    fetched = await wheels.fetch_wheels(facts, ("reader>=1",))
    assert [wheel.path.name for wheel in fetched] == ["reader-1.0-py3-none-any.whl"]
    (registry / "reader-1.0-py3-none-any.whl").unlink()
    assert await wheels.fetch_wheels(facts, ("reader>=1",)) == fetched, "kept in the cache"
    with pytest.raises(wheels.CannotFetch, match="reader"):
        await wheels.fetch_wheels(facts, ("reader>=1.0.0",))


async def test_the_site_fetches_where_this_machine_cannot(
    registry: Path, make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(registry, "bocr-test-part", "1.5", needs=["numpy"])
    wanted = (*vendor.WORKER_PACKAGES, "bocr-test-part>=1")
    monkeypatch.setattr(deploy, "requirements_of", lambda engine: wanted)

    async def offline(arguments: list[str]) -> None:
        raise wheels.CannotFetch("pip on this machine: no network.")

    monkeypatch.setattr(wheels, "_run_pip", offline)
    site = make_site(packages_from="either")
    prepared = await prepare(site, "noop", print)
    assert (_here(prepared, site) / "bocr_test_part").is_dir()
    assert not (_here(prepared, site) / "numpy").exists()
    assert "download_wheels" in _asked(site)
    assert not list((site.transport.root / "wheels").iterdir())  # type: ignore[attr-defined]


@pytest.mark.parametrize("packages_from", ["here", "site"])
async def test_what_is_asked_for_and_never_imported_is_not_brought(
    registry: Path, make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, packages_from: str
) -> None:
    make_wheel(registry, "bocr-test-part", "1.5", needs=["numpy", "frame.work>=2.8"])
    make_wheel(registry, "frame-work", "3.0")
    make_wheel(registry, "bocr-test-other", "1.0")
    monkeypatch.setattr(deploy, "requirements_of", lambda engine: ("bocr-test-part", "bocr-test-other"))
    monkeypatch.setattr(vendor, "left_out", lambda engine: ("Frame_Work", "bocr-test-other"))
    site = make_site(packages_from=packages_from)
    prepared = await prepare(site, "noop", print)
    assert (_here(prepared, site) / "bocr_test_part").is_dir()
    assert not (_here(prepared, site) / "frame_work").exists()
    assert (_here(prepared, site) / "bocr_test_other").is_dir(), "what is wanted itself is never left out"


@pytest.mark.parametrize("packages_from", ["here", "site"])
async def test_over_ssh_it_goes_the_same_way(
    registry: Path, sshd: Sshd, ssh_transport: Any, tmp_path: Path, packages_from: str
) -> None:
    own = make_wheel(tmp_path / "own", "pillow", "11.3.0", files={"PIL/__init__.py": ANYTHING})
    environment = make_environment(tmp_path / "env", own, pip=packages_from == "site")
    python = str(environment / "bin" / "python")
    lines = [
        f"export {name}={os.environ[name]}" for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_CONFIG_FILE")
    ]
    config = sshd.site(
        setup=lines,
        packages_from=packages_from,
        environments={"noop": EnvironmentConfig(python=python)},
    )
    transport = ssh_transport(config)
    site = Site("far", config, transport, DirectScheduler(transport), 1, 1, 1, DIRECT_PATIENCE)
    prepared = await prepare(site, "noop", print)
    root = sshd.home / "site"
    assert {path.name for path in (root / prepared.vendor).iterdir() if "info" not in path.name} == {
        LISTING, "numpy", "pdf_parts", "pypdfium2",
    }  # fmt: skip
    assert [path.name for path in (root / "wheels").iterdir()] == []
    again = ssh_transport(config)
    assert await prepare(Site(**{**site.__dict__, "transport": again}), "noop", print) == prepared


async def test_where_nobody_can_fetch_it_both_say_why(
    registry: Path, make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy, "requirements_of", lambda engine: ("no-such-part>=1",))
    with pytest.raises(SiteError, match=r"no-such-part.*pip on this machine: .*pip on the site: "):
        await prepare(make_site(), "noop", print)


@pytest.mark.parametrize(
    ("has", "settings", "said"),
    [
        (("numpy", "1.19"), {}, r"numpy 1.19 \(needed: >=1.24\)"),
        (("numpy", "2.0"), {"vendor": False}, "lacks pillow>=10.1, pypdfium2>=5.0"),
    ],
)
async def test_what_cannot_be_helped_from_outside_is_said(
    registry: Path,
    make_site: MakeSite,
    tmp_path: Path,
    has: tuple[str, str],
    settings: dict[str, Any],
    said: str,
) -> None:
    environment = make_environment(tmp_path / "env", make_wheel(tmp_path / "own", *has))
    with pytest.raises(SiteError, match=said):
        await prepare(make_site(environment, **settings), "noop", print)


async def test_a_package_that_is_there_and_broken_is_named(
    registry: Path, make_site: MakeSite, tmp_path: Path
) -> None:
    broken = make_wheel(
        tmp_path / "own", "numpy", "2.0", files={"numpy/__init__.py": "raise OSError('GLIBC')\n"}
    )
    with pytest.raises(SiteError, match="pages cannot be drawn here: OSError: GLIBC"):
        await prepare(make_site(make_environment(tmp_path / "env", broken)), "noop", print)


@pytest.mark.parametrize(
    "name", ["../out", "/out", "a/../../out", "a//b", "x.data/purelib/../../out", "a\\..\\b"]
)
def test_a_wheel_with_names_that_lead_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "x")
    root = tmp_path / "site"
    sent = _send(root, "evil.whl", held.getvalue())
    with pytest.raises(Refused, match="holds the name"):
        unpack_wheels(str(root), "vendor/0123456789abcdef", [sent])
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["evil.whl"]
    assert list((root / "vendor").glob("*")) == []


@pytest.mark.parametrize(
    ("folder", "sent"),
    [
        ("runs/0123456789abcdef", ("wheels/x/a.whl", "")),
        ("vendor/../../x", ("wheels/x/a.whl", "")),
        ("vendor/0123456789abcdef", ("../x/a.whl", "")),
        ("vendor/0123456789abcdef", ("wheels/missing/a.whl", "")),
    ],
)
def test_nothing_is_unpacked_to_or_from_anywhere_else(
    tmp_path: Path, folder: str, sent: tuple[str, str]
) -> None:
    with pytest.raises(Refused):
        unpack_wheels(str(tmp_path), folder, [sent])
    assert not list(tmp_path.rglob("*"))


def test_a_wheel_that_arrived_damaged_is_refused(tmp_path: Path) -> None:
    path, _ = _send(tmp_path, "a.whl", b"not what was sent")
    with pytest.raises(Refused, match="arrived damaged"):
        unpack_wheels(str(tmp_path), "vendor/0123456789abcdef", [(path, "0" * 64)])
    path, sha256 = _send(tmp_path, "a.whl", b"no wheel at all")
    with pytest.raises(Refused, match="is no wheel"):
        unpack_wheels(str(tmp_path), "vendor/0123456789abcdef", [(path, sha256)])


def _send(root: Path, name: str, data: bytes) -> tuple[str, str]:
    path = root / "wheels" / "sent" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    (root / "vendor").mkdir(exist_ok=True)
    path.write_bytes(data)
    return f"wheels/sent/{name}", sha256_of(str(path))


def test_only_what_is_imported_is_unpacked(tmp_path: Path) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in (
            "a/b.py",
            "a-1.data/scripts/tool",
            "a-1.data/platlib/native.so",
            "a-1.dist-info/METADATA",
        ):
            archive.writestr(name, "x")
    unpack_wheels(str(tmp_path), "vendor/0123456789abcdef", [_send(tmp_path, "a.whl", held.getvalue())])
    folder = tmp_path / "vendor" / "0123456789abcdef"
    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert found == [LISTING, "a-1.dist-info/METADATA", "a/b.py", "native.so"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("platform", "libc", "first", "last"),
    [
        ("linux-x86_64", ("glibc", "2.28"), "manylinux_2_28_x86_64", "linux_x86_64"),
        ("linux-x86_64", ("glibc", "2.17"), "manylinux_2_17_x86_64", "linux_x86_64"),
        ("linux-x86_64", ("glibc", "strange"), "manylinux_2_17_x86_64", "linux_x86_64"),
        ("linux-aarch64", ("", ""), "musllinux_1_2_aarch64", "linux_aarch64"),
        ("macosx-14.0-arm64", ("", ""), "macosx_14_0_arm64", "macosx_14_0_arm64"),
    ],
)
def test_wheels_are_chosen_for_the_machine_there(
    platform: str, libc: tuple[str, str], first: str, last: str
) -> None:
    tags = wheels.platforms_of(EnvironmentFacts(**{**FACTS.__dict__, "platform": platform, "libc": libc}))
    assert (tags[0], tags[-1]) == (first, last)
    if libc == ("glibc", "2.28"):
        assert "manylinux2014_x86_64" in tags


def test_a_stub_stands_for_each_package_that_pip_can_compare() -> None:
    files = wheels.stub_wheels({"Ruamel.Yaml": "1.2", "torch": "2.6.0+cu118", "odd": "not a version"})
    assert sorted(files) == [
        "constraints.txt",
        "ruamel_yaml-1.2+bocrstub-py3-none-any.whl",
        "torch-2.6.0+cu118.bocrstub-py3-none-any.whl",
    ]
    assert [name for name in files if wheels.is_stub(name)] == sorted(files)[1:]
    assert not wheels.is_stub("torch-2.6.0+cu118-cp310-cp310-linux_x86_64.whl")


def test_pip_says_why_in_its_own_words() -> None:
    told = "WARNING: x\nERROR: Could not find a version\nERROR: No matching distribution found for y\n\n"
    assert wheels.pip_words(told) == "Could not find a version; No matching distribution found for y"
    assert (
        wheels.pip_words("/usr/bin/python: No module named pip\n") == "/usr/bin/python: No module named pip"
    )
    assert wheels.pip_words("") == "it failed without a word"
