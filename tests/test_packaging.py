"""The wheel, installed outside the checkout, is the whole of bocr."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built by the hatchling that is installed: no network."""
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment with the wheel in it. Its dependencies are this environment's, through a
    path file; path files found there are not followed, so an editable bocr is not seen."""
    home = tmp_path_factory.mktemp("venv")
    run([sys.executable, "-m", "venv", "--without-pip", str(home)], home)
    python = str(home / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index"]
    run([*pip, str(wheel)], home)
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run([python, "-c", code], home).strip())
    lent = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (packages / "lent.pth").write_text("".join(f"{path}\n" for path in lent))
    return home


def run(command: list[str], folder: Path, *, expected: int = 0) -> str:
    """Run without anything of this process's surroundings that could lead back to the checkout."""
    environment = {key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR") if key in os.environ}
    answer = subprocess.run(
        command,
        cwd=folder,
        env={**environment, "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert answer.returncode == expected, (
        f"{answer.returncode}: {answer.stdout[-3000:]}{answer.stderr[-3000:]}"
    )
    return answer.stdout


def files_below(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_both_packages_the_templates_and_the_samples(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {f"bocr_tui/{name}" for name in files_below(ROOT / "bocr_tui")}
    wanted |= {f"bocr_worker/{name}" for name in files_below(ROOT / "worker" / "bocr_worker")}
    wanted |= {f"bocr_tui/_data/samples/{name}" for name in files_below(ROOT / "samples")}
    wanted |= {f"bocr_tui/_data/job_templates/{name}" for name in files_below(ROOT / "job_templates")}
    assert wanted - names == set()
    rest = {name for name in names - wanted if ".dist-info/" not in name}
    assert rest == set()


def test_the_wheel_carries_the_licence_and_the_attribution(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if name.endswith("licenses/LICENSE")]
    assert [name for name in names if name.endswith("licenses/samples/ATTRIBUTION.md")]


def test_what_is_imported_and_shipped_is_the_wheels_and_not_the_checkouts(environment: Path) -> None:
    code = (
        "import bocr_tui, bocr_worker; from bocr_tui.config.resources import resource, worker_source; "
        "places = [bocr_tui.__file__, bocr_worker.__file__, worker_source(), resource('samples'), "
        "resource('job_templates')]; print('\\n'.join(map(str, places)))"
    )
    places = run([str(environment / "bin" / "python"), "-c", code], environment).splitlines()
    assert len(places) == 5
    assert [place for place in places if not place.startswith(str(environment.resolve()))] == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_installed_wheel_runs_the_demo_without_a_terminal(environment: Path, tmp_path: Path) -> None:
    """On three of the samples that it carries: one that is read, one that is read in part, one protected."""
    (carried,) = environment.glob("lib/python*/site-packages/bocr_tui/_data/samples/pages")
    folder = tmp_path / "some folder"
    folder.mkdir()
    for name in ("Bulletin-2741.pdf", "Lacunaire_Fr.pdf", "Protege.pdf"):
        shutil.copy(carried / name, folder)
    bocr = str(environment / "bin" / "bocr")
    demo = [bocr, "demo", str(folder), "--json", "--pages-per-document", "1"]
    summary = json.loads(run(demo, tmp_path, expected=3))
    counts = {key: summary[key] for key in ("documents", "pages", "ok", "failed", "gave_up", "unreadable")}
    assert counts == {"documents": 3, "pages": 2, "ok": 2, "failed": 0, "gave_up": 0, "unreadable": 1}
    text = run([bocr, "-w", "demo-workspace", "page", "Bulletin-2741.pdf", "1"], tmp_path)
    assert "Textes inventés, imprimés à titre de spécimen" in text
