"""rapidocr: PP-OCR models on onnxruntime, from pip alone. Latin scripts; no Arabic.

The library's own parts read; what is done differently here, and why (measured on two cores):
- Its direction classifier is off: on typescripts it turns good lines upside down (character error rate 23%
  with it, 1.6% without). A page that stands on its head is found by reading a few lines turned instead.
- Text is looked for on a copy of 150 dpi in bands, but read from the full image: less time and less memory
  than one pass over everything, with the same lines found.
- Each line is read alone, in as many threads as the engine has: no padding to the longest of six, and two
  threads read twice as many lines as one, without spinning for each other.

Options: `detect_dpi` (default 150).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata, util
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from bocr_worker.engines import library_options as accepts
from bocr_worker.engines.base import Ask, EngineSpec, EngineUnavailable, PageImage
from bocr_worker.engines.lines import ReadLine, ReadWord, Sheet, recognition_of
from bocr_worker.engines.rapidocr_lines import (
    Corners,
    around,
    bands,
    detection_scale,
    is_on_its_side,
    levelled,
    slope,
    words_of,
)
from bocr_worker.protocol.recognition import Recognition

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Quad = NDArray[np.float32]
    """Four corners of a line from its top left, clockwise, in pixels: 4 x 2."""

_INSTALL = "pip install 'rapidocr>=3.10' onnxruntime"

_CODES = (
    "af az bs ca cs cy da de en es et eu fi fr ga gl hr hu id is it "
    "la lb lt lv ms mt nl no oc pl pt rm ro sk sl sq sv sw tl tr uz"
)
_LANGUAGES = frozenset(_CODES.split())
"""What the package lists for PP-OCRv6 small in Latin script, with Portuguese, whose letters the model has,
and without Vietnamese, most of whose letters it has not."""

_DETECT_DPI = 150
"""Finds what the library finds on the full image. 110 takes a fifth less time, and loses a faint line here
and there: a page's last ".../...", say. rapidocr_lines has the bounds."""

_LONGEST_LINE = 100.0
"""Width over height of what is read as one line; longer strips are squeezed, not given gigabytes."""

_LEAST_SCORE = 0.5
"""Lines below are stains and stamps (the library's own threshold)."""

_TURN_DOUBT = 0.8
_TURN_GAIN = 0.15
_TURN_LINES = 6
_TURN_SCORE = 0.85
"""Below this mean score, six of the longest lines are read upside down too. If they then score so much
better, and well, the page stands on its head; Arabic scores badly either way."""


@dataclass(frozen=True)
class _Answer:
    """What the library read in one line; `info` holds its letters' columns and scores."""

    text: str
    score: float
    info: Any


class RapidOcrReader:
    """Loaded models. Not for several asks at once: one reader, one page; `threads` share its lines."""

    def __init__(self, options: Mapping[str, Any], threads: int) -> None:
        unavailable = check()
        if unavailable is not None:
            raise unavailable
        import cv2
        import numpy as np
        from rapidocr import RapidOCR
        from rapidocr.ch_ppocr_rec import TextRecInput

        cv2.setNumThreads(1)
        self._options = dict(options)
        self._engine = RapidOCR(
            params={
                "Global.log_level": "error",
                "Global.use_cls": False,
                "Global.use_preprocess_img": False,
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                "EngineConfig.onnxruntime.enable_cpu_mem_arena": False,
                # A path given is never downloaded.
                "Det.model_path": str(_models()["det"]),
                "Rec.model_path": str(_models()["rec"]),
                "Det.limit_type": "max",
                "Det.limit_side_len": 1 << 20,
                "Rec.rec_batch_num": 1,
            }
        )
        # The library loads a model at its first use; these two calls are that use.
        paper = np.full((64, 64, 3), 255, np.uint8)
        self._engine(paper, use_det=True, use_cls=False, use_rec=False)
        self._engine(paper, use_det=False, use_cls=False, use_rec=True)
        self._detect: Any = self._engine.text_det
        self._read_text: Any = self._engine.text_rec
        self._text_input: Any = TextRecInput
        self._pool = ThreadPoolExecutor(max(1, threads), thread_name_prefix="rapidocr")

    @property
    def version(self) -> str:
        return f"{metadata.version('rapidocr')} (onnxruntime {metadata.version('onnxruntime')})"

    @cached_property
    def weights(self) -> str:
        from hashlib import sha256

        models = sorted(_models().values())
        return ", ".join(f"{path.stem} {sha256(path.read_bytes()).hexdigest()[:12]}" for path in models)

    def read(self, ask: Ask) -> Recognition:
        pixels = _decode(ask.image)
        detect_dpi = float({**self._options, **ask.options}.get("detect_dpi", _DETECT_DPI))
        quads = self._find(pixels, ask.image.dpi, detect_dpi)
        crops = [_crop(pixels, quad) for quad in quads]
        corners: list[Corners] = [quad.tolist() for quad in quads]
        angle = slope(corners)
        answers = self._pool.map(self._recognise, crops)
        read = [_line(four, answer, angle) for four, answer in zip(corners, answers)]  # noqa: B905
        lines = [line for line in read if line.text]
        kept = [line for line in lines if line.confidence >= _LEAST_SCORE]
        extra: dict[str, Any] = {}
        if len(kept) < len(lines):
            extra["doubtful_lines_left_out"] = len(lines) - len(kept)
        if turn := self._turn(is_on_its_side(corners), crops, lines):
            extra["rotated"] = turn
        language = next((code for code in ask.languages if code in _LANGUAGES), None)
        height_px, width_px = pixels.shape[:2]
        return recognition_of(kept, Sheet(width_px, height_px), language, extra)

    def _find(self, pixels: Pixels, dpi: float, detect_dpi: float) -> list[Quad]:
        """The lines' corners in the image's pixels, in no order that means anything."""
        import cv2
        import numpy as np

        height_px, width_px = pixels.shape[:2]
        scale = detection_scale(width_px, height_px, dpi, detect_dpi)
        width, height = max(32, round(width_px * scale)), max(32, round(height_px * scale))
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = np.asarray(cv2.resize(pixels, (width, height), interpolation=how), np.uint8)
        found = self._pool.map(lambda band: self._find_in(small, band), bands(width, height))
        back = np.array([width_px / width, height_px / height], np.float32)
        return [quad * back for quads in found for quad in quads]

    def _find_in(self, small: Pixels, band: tuple[int, int, int, int]) -> list[Quad]:
        """Lines whose middle lies between the band's own edges; what is seen beyond belongs to others."""
        import numpy as np

        seen_from, own_from, own_to, seen_to = band
        answer = self._detect(small[seen_from:seen_to])
        quads = []
        for corners in answer.boxes if answer.boxes is not None else ():
            quad = np.asarray(corners, np.float32) + np.array([0, seen_from], np.float32)
            if own_from <= float(quad[:, 1].mean()) < own_to:
                quads.append(quad)
        return quads

    def _recognise(self, crop: Pixels) -> _Answer:
        answer = self._read_text(self._text_input(img=[crop], return_word_box=True))
        info = answer.word_results[0] if answer.word_results else None
        return _Answer(str(answer.txts[0]), float(answer.scores[0]), info)

    def _turn(self, tall: bool, crops: list[Pixels], lines: list[ReadLine]) -> int:
        """Degrees clockwise that would put the page upright, as far as the lines tell; 0 mostly. Text on
        its side (`tall`) was turned counter-clockwise to be read; the page wants that or the opposite."""
        import numpy as np

        if not crops:
            return 0
        characters = sum(len(line.text) for line in lines)
        score = sum(line.confidence * len(line.text) for line in lines) / max(1, characters)
        if score >= _TURN_DOUBT:
            return 270 if tall else 0
        longest = sorted(crops, key=lambda crop: -crop.shape[1] / crop.shape[0])[:_TURN_LINES]
        now = fmean(self._recognise(crop).score for crop in longest)
        turned = fmean(self._recognise(np.ascontiguousarray(crop[::-1, ::-1])).score for crop in longest)
        upside_down = turned > max(now + _TURN_GAIN, _TURN_SCORE)
        if tall:
            return 90 if upside_down else 270
        return 180 if upside_down else 0


def _line(corners: Corners, answer: _Answer, angle: float) -> ReadLine:
    info = answer.info
    words: tuple[ReadWord, ...] = ()
    if info is not None:
        columns = [column for word in info.word_cols for column in word]
        words = words_of(answer.text, columns, info.confs, info.line_txt_len, corners)
    text = " ".join(answer.text.split())
    return ReadLine(text, around(corners), levelled(corners, angle), answer.score, words)


def _models() -> dict[str, Path]:
    """The detection and recognition models inside the package; empty where there are none."""
    package = util.find_spec("rapidocr")
    if package is None or package.origin is None:
        return {}
    folder = Path(package.origin).parent / "models"
    models = {kind: sorted(folder.glob(f"PP-OCRv*_{kind}_small.onnx")) for kind in ("det", "rec")}
    return {kind: paths[-1] for kind, paths in models.items() if paths}


def _decode(image: PageImage) -> Pixels:
    import cv2
    import numpy as np

    pixels = cv2.imdecode(np.frombuffer(image.encoded, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError(f"the {image.format} image cannot be decoded")
    return np.asarray(pixels, np.uint8)


def _crop(pixels: Pixels, quad: Quad) -> Pixels:
    """The line straightened, upright text to be read from the left; text on its side is turned."""
    import cv2
    import numpy as np
    from rapidocr.utils.process_img import get_rotate_crop_image

    crop = get_rotate_crop_image(pixels, quad.copy())
    height, width = crop.shape[:2]
    if width > _LONGEST_LINE * height:
        size = (round(_LONGEST_LINE * height), height)
        crop = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8)
    return np.ascontiguousarray(crop)


# -- the registry's view -------------------------------------------------------------------------------


def check() -> EngineUnavailable | None:
    missing = [name for name in ("rapidocr", "onnxruntime", "cv2", "numpy") if util.find_spec(name) is None]
    if missing:
        return EngineUnavailable("rapidocr", f"{' and '.join(missing)} cannot be imported", _INSTALL)
    if len(_models()) < 2:
        return EngineUnavailable("rapidocr", "its models are not inside the package", _INSTALL)
    return None


def _processes_for(cores: int) -> tuple[int, int]:
    """One process (0.4 to 0.7 GB) uses four cores well; beyond that, more processes."""
    processes = max(1, math.ceil(cores / 4))
    return processes, max(1, cores // processes)


SPEC = EngineSpec(
    name="rapidocr",
    title="RapidOCR (PP-OCRv6 small on onnxruntime; Latin scripts)",
    languages=_LANGUAGES,
    dpi=200,
    load=RapidOcrReader,
    check=check,
    processes_for=_processes_for,
    packages=("rapidocr>=3.10", "onnxruntime>=1.20"),
    options={"detect_dpi": accepts.number(40.0, 600.0)},
)
