"""What a panel asks of a site beside jobs: a picture of a page, and whether an engine can run."""

from __future__ import annotations

import io
import json
import os
import platform
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from render_makers import pdf, text_content

from bocr_worker import draw
from bocr_worker.render.page import RenderFailed
from bocr_worker.render.picture import PictureOrder, draw_picture
from tests.papers import make_pdf, page_image
from tests.worker.runs import WORKER


def asked(*arguments: str, **environment: str) -> tuple[int, dict[str, Any]]:
    """The exit status, and the one line of JSON that is printed."""
    done = subprocess.run(
        [sys.executable, "-m", "bocr_worker", *arguments],
        env={**os.environ, "PYTHONPATH": str(WORKER), **environment},
        capture_output=True,
        timeout=60,
        check=False,
    )
    (line,) = done.stdout.splitlines()
    answer = json.loads(line)
    assert isinstance(answer, dict)
    return done.returncode, answer


def test_a_page_is_drawn_into_a_file(tmp_path: Path) -> None:
    paper = tmp_path / "a.pdf"
    paper.write_bytes(pdf([text_content(["Article premier"] * 20), b""]))
    out = tmp_path / "page"
    status, said = asked("--draw", str(paper), "1", str(out))
    assert status == 0
    picture = Image.open(out)
    assert picture.size == (said["width_px"], said["height_px"])
    assert (picture.format, said["format"], said["page"]) == ("PNG", "png", 1)
    assert said["bytes"] == out.stat().st_size
    assert np.asarray(picture).min() < 100
    assert asked("--draw", str(paper), "2", str(out), "--dpi", "50")[1]["dpi"] == 50


@pytest.mark.parametrize("page", ["0", "-1", "x", "1; ls", "9" * 30, "٣", "7"])
def test_a_page_that_is_none_is_refused_in_words(tmp_path: Path, page: str) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 2)
    status, said = asked("--draw", str(paper), f" {page}" if page == "-1" else page, str(tmp_path / "out"))
    assert status == 1
    assert "page" in said["error"]
    assert not (tmp_path / "out").exists()


def test_a_document_that_cannot_be_drawn_is_an_answer_too(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7 nothing else")
    assert "damaged" in asked("--draw", str(tmp_path / "a.pdf"), "1", str(tmp_path / "o"))[1]["error"]
    assert "No such file" in asked("--draw", str(tmp_path / "b.pdf"), "1", str(tmp_path / "o"))[1]["error"]


def test_an_image_is_drawn_by_what_it_is_not_by_its_name(tmp_path: Path) -> None:
    page_image(1).save(tmp_path / "a.bin", "PNG")
    picture = draw_picture(PictureOrder(str(tmp_path / "a.bin"), 1, 110, 4_000_000, 1_500_000))
    assert picture.width_px > 100


def test_a_picture_is_no_larger_than_was_asked_for(tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(7).integers(0, 255, (3000, 2000), np.uint8))
    noise.save(tmp_path / "noise.png")
    picture = draw_picture(PictureOrder(str(tmp_path / "noise.png"), 1, 300, 4_000_000, 400_000))
    assert len(picture.encoded) <= 400_000
    assert picture.width_px * picture.height_px < 4_000_000
    assert Image.open(io.BytesIO(picture.encoded)).size == (picture.width_px, picture.height_px)


def test_a_renderer_that_dies_is_an_answer_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, Any] = {}
    monkeypatch.setattr(draw, "_say", lambda status, **facts: said.update(facts) or status)
    monkeypatch.setattr(draw, "PictureOrder", lambda *_: object())
    assert draw.run_draw("a.pdf", "1", str(tmp_path / "o"), 110) == 1
    assert "cannot be drawn" in said["error"]


def test_a_page_number_is_checked_before_anything_is_started() -> None:
    with pytest.raises(RenderFailed):
        draw._number("1e3")


@pytest.mark.parametrize("engine", ["rapidocr", "tesseract", "noop", "split"])
def test_an_engine_that_can_run_says_with_what(engine: str) -> None:
    status, said = asked("--check", engine)
    assert (status, said["engine"], said["ok"], said["cause"]) == (0, engine, True, "")
    assert said["python"] == platform.python_version()
    assert said["versions"]["numpy"] == np.__version__
    assert "pdfium" in said["renderer"]


def test_an_engine_that_is_missing_says_what_it_needs(tmp_path: Path) -> None:
    status, said = asked("--check", "tesseract", PATH=str(tmp_path))
    assert (status, said["ok"]) == (1, False)
    assert "tesseract" in said["cause"]
    assert "install" in said["needs"]


def test_what_runs_a_model_is_imported_where_that_is_asked_for(tmp_path: Path) -> None:
    for name, text in (("vllm", ""), ("torch", "1/0"), ("transformers", "raise ImportError('libcuda.so.1')")):
        (tmp_path / f"{name}.py").write_text(text)
    path = f"{tmp_path}:{WORKER}"
    said = asked("--check", "qwen2.5-vl", "--imports", PYTHONPATH=path)[1]
    assert said["imports"] == {
        "vllm": "",
        "torch": "ZeroDivisionError: division by zero",
        "transformers": "ImportError: libcuda.so.1",
    }
    assert "imports" not in asked("--check", "qwen2.5-vl", PYTHONPATH=path)[1]


@pytest.mark.skipif(
    any(find_spec(name) is not None for name in ("vllm", "transformers")), reason="something here runs models"
)
def test_an_engine_that_lacks_nothing_but_what_runs_its_model_says_so() -> None:
    said = asked("--check", "qwen2.5-vl")[1]
    assert (said["ok"], said["runtime_alone"]) == (False, True)
    assert "runtime_alone" not in asked("--check", "no-such-engine")[1]


def test_an_engine_that_does_not_exist_is_an_answer_too() -> None:
    status, said = asked("--check", "no-such-engine")
    assert (status, said["ok"]) == (1, False)
    assert "rapidocr" in said["needs"]


def test_an_environment_that_cannot_draw_pages_says_so(tmp_path: Path) -> None:
    (tmp_path / "pypdfium2.py").write_text("import no_such_library")
    status, said = asked("--check", "noop", PYTHONPATH=f"{tmp_path}:{WORKER}")
    assert (status, said["ok"], said["renderer"]) == (1, False, "")
    assert "no_such_library" in said["cause"]
    assert said["needs"]
