"""A registry of tiny wheels in a folder, and environments that lack them."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    needs: Sequence[str] = (),
    files: Mapping[str, str] | None = None,
) -> Path:
    """A pure wheel; without `files` it holds a module of its own name that knows its version."""
    plain = name.replace("-", "_")
    info = f"{plain}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {need}\n" for need in needs)
    content = {
        **(files if files is not None else {f"{plain}/__init__.py": f"__version__ = {version!r}\n"}),
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    content[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*content, f"{info}/RECORD"])
    path = folder / f"{plain}-{version}-py3-none-any.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in content.items():
            archive.writestr(inner, text)
    return path


def make_environment(folder: Path, *wheels: Path, pip: bool = False) -> Path:
    """A Python of its own with these wheels in it and nothing else. Returns its folder."""
    options = [] if pip else ["--without-pip"]
    subprocess.run([sys.executable, "-m", "venv", *options, str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(packages)
    return folder


ANYTHING = """
from unittest.mock import MagicMock


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return MagicMock()


__version__ = "0"
"""
"""A module that has whatever is looked for in it."""


def worker_wheels(folder: Path) -> Path:
    """Stand-ins for what every job imports; pypdfium2 needs a package of its own, and pillow."""
    make_wheel(folder, "numpy", "2.1.0", files={"numpy/__init__.py": ANYTHING})
    make_wheel(folder, "pillow", "12.0.0", files={"PIL/__init__.py": ANYTHING})
    parts = {f"pypdfium2/{name}.py": ANYTHING for name in ("__init__", "raw", "version")}
    make_wheel(folder, "pypdfium2", "5.9.0", needs=["pdf-parts>=1", "pillow>=9"], files=parts)
    make_wheel(folder, "pdf-parts", "1.2.0")
    return folder
