"""What a file is: its hash, its pages, and in words what is wrong with it."""

from __future__ import annotations

import hashlib
import os
import pickle
import zipfile
from array import array
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from render_makers import assemble, pdf, text_content

from bocr_worker.children import Child, ChildSpec, TaskRaised
from bocr_worker.probe import task
from bocr_worker.probe.report import (
    FileChanged,
    FileForbidden,
    FileMissing,
    NotAFile,
    ProbeFailed,
    ProbeOrder,
    ProbeReport,
)
from bocr_worker.probe.task import probe_document, probe_documents


def probe(path: Path) -> ProbeReport:
    report = probe_document(ProbeOrder(str(path)))
    assert "Success" not in report.reason
    return report


def written(folder: Path, data: bytes, name: str = "a.pdf") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_a_sound_document_is_ready_with_the_size_of_every_page(tmp_path: Path) -> None:
    data = pdf([b"", b"", b""], media="0 0 300 400", extra="/Rotate 90")
    report = probe(written(tmp_path, data))
    assert report.sha256 == hashlib.sha256(data).hexdigest()
    assert (report.kind, report.extension, report.state, report.reason) == ("pdf", "pdf", "ready", "")
    assert (report.size_bytes, report.page_count, report.unloadable) == (len(data), 3, ())
    assert list(report.page_sizes) == [(400.0, 300.0)] * 3
    assert report.mtime_ns == (tmp_path / "a.pdf").stat().st_mtime_ns
    assert isinstance(report.sizes_pt, array)
    assert pickle.loads(pickle.dumps(report)) == report


def test_a_large_file_is_hashed_whole(tmp_path: Path) -> None:
    data = pdf([b""]) + b"%" + bytes(3 * 1024 * 1024 + 17)
    assert probe(written(tmp_path, data)).sha256 == hashlib.sha256(data).hexdigest()


def test_a_header_beyond_the_first_kilobyte_does_not_matter(tmp_path: Path) -> None:
    report = probe(written(tmp_path, b"%!noise\n" + b" " * 900 + pdf([b""])))
    assert (report.kind, report.state, report.page_count) == ("pdf", "ready", 1)


@pytest.mark.parametrize(
    ("name", "data", "state", "words"),
    [
        ("a.pdf", b"", "empty", "0 bytes"),
        ("a.pdf", b"oops\n", "damaged", "not a readable PDF"),
        ("a.pdf", b"%PDF-1.3\nThis is not a valid PDF file\n%%EOF\n", "damaged", "damaged"),
        ("a.pdf", bytes(5000), "damaged", "not a readable PDF"),
        ("a.pdf", b"<!DOCTYPE html>\n<html><body>404", "not_a_pdf", "HTML page, probably a failed download"),
        ("a.pdf", b"\xef\xbb\xbf \n<HTML><head>", "not_a_pdf", "HTML page"),
        ("a.pdf", b"<?xml version='1.0'?><!DOCTYPE html><html>", "not_a_pdf", "HTML page"),
        ("a.pdf", b"<?xml version='1.0'?><alto/>", "not_a_pdf", "XML"),
        ("a.pdf", b'{"error": "not found"}', "not_a_pdf", "JSON"),
        ("a.pdf", b"GIF89a" + bytes(100), "not_a_pdf", "GIF"),
        ("a.pdf", "Un simple texte, écrit à la main. ".encode() * 9, "not_a_pdf", "text file"),
        ("a.pdf", b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "not_a_pdf", "Git LFS"),
        ("a.png", b"\x89PNG\r\n\x1a\nbroken", "damaged", "damaged image"),
        ("a.tif", b"II*\0\x08\0\0\0\0\0", "damaged", "damaged image"),
        ("a.bmp", b"BM is how this text begins, and it goes on for more than a line.", "not_a_pdf", "text"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said(
    tmp_path: Path, name: str, data: bytes, state: str, words: str
) -> None:
    report = probe(written(tmp_path, data, name))
    assert report.state == state
    assert words in report.reason
    assert report.page_count == 0


def test_an_office_document_is_named_as_such(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pdf", "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    assert "Office" in probe(tmp_path / "a.pdf").reason


def test_a_document_without_pages_is_empty_and_one_without_a_page_list_damaged(tmp_path: Path) -> None:
    none = assemble({1: b"<</Type/Catalog/Pages 2 0 R>>", 2: b"<</Type/Pages/Count 0/Kids[]>>"})
    report = probe(written(tmp_path, none))
    assert (report.state, report.reason) == ("empty", "has no pages")
    report = probe(written(tmp_path, assemble({1: b"<</Type/Catalog>>"})))
    assert (report.state, report.reason) == ("damaged", "is damaged: it has no list of pages")


def with_pages(*kids: bytes, count: int | None = None) -> bytes:
    names = b" ".join(b"%d 0 R" % (3 + index) for index in range(len(kids)))
    tree = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(kids) if count is None else count, names)
    return assemble({1: b"<</Type/Catalog/Pages 2 0 R>>", 2: tree, **dict(enumerate(kids, 3))})


GOOD = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 200]>>"
BAD = b"<</Type/Template/Parent 2 0 R/MediaBox[0 0 100 200]>>"
BESIDE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 200]/CropBox[900 900 910 910]>>"


def test_pages_that_cannot_be_loaded_make_a_document_partial(tmp_path: Path) -> None:
    report = probe(written(tmp_path, with_pages(GOOD, BAD, GOOD, BESIDE)))
    assert (report.state, report.reason) == ("partial", "2 of 4 pages cannot be loaded")
    assert report.unloadable == (2, 4)
    assert list(report.page_sizes) == [(100, 200), (0, 0), (100, 200), (0, 0)]


def test_a_document_none_of_whose_pages_load_is_partial_all_the_same(tmp_path: Path) -> None:
    report = probe(written(tmp_path, with_pages(BAD)))
    assert (report.state, report.reason, report.unloadable) == (
        "partial",
        "1 of 1 pages cannot be loaded",
        (1,),
    )


def test_a_page_count_that_lies_by_a_million_ends_soon(tmp_path: Path) -> None:
    report = probe(written(tmp_path, with_pages(GOOD, GOOD, count=1_000_000)))
    assert report.state == "partial"
    assert report.page_count == 2
    assert report.reason == "claims to have 1,000,000 pages; no more than 2 were found"


@pytest.mark.parametrize(
    ("suffix", "extension"),
    [("png", "png"), ("jpeg", "jpg"), ("tiff", "tif"), ("bmp", "bmp"), ("webp", "webp")],
)
def test_an_image_is_a_document_by_content_whatever_its_name(
    tmp_path: Path, suffix: str, extension: str
) -> None:
    Image.new("L", (600, 300), 255).save(tmp_path / f"a.{suffix}", dpi=(300, 300))
    report = probe((tmp_path / f"a.{suffix}").rename(tmp_path / "renamed.pdf"))
    assert (report.kind, report.extension, report.state, report.page_count) == (
        "image",
        extension,
        "ready",
        1,
    )
    width_pt, height_pt = next(report.page_sizes)
    assert width_pt / height_pt == pytest.approx(2)


def test_a_pdf_named_as_an_image_is_a_pdf(tmp_path: Path) -> None:
    report = probe(written(tmp_path, pdf([b""]), "a.png"))
    assert (report.kind, report.extension, report.state) == ("pdf", "pdf", "ready")


def test_each_frame_of_a_tiff_is_a_page(tmp_path: Path) -> None:
    frames = [Image.new("1", (1700 + 100 * n, 2200), 1) for n in range(5)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:], dpi=(200, 200))
    report = probe(tmp_path / "a.tif")
    assert report.page_count == 5
    assert list(report.page_sizes)[4] == pytest.approx((2100 * 72 / 200, 2200 * 72 / 200))


def test_a_tiff_that_breaks_off_keeps_its_first_pages(tmp_path: Path) -> None:
    frames = [Image.new("L", (300, 300), 60 * n) for n in range(3)]
    path = tmp_path / "a.tif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    path.write_bytes(path.read_bytes()[:-95_000])
    report = probe(path)
    assert (report.state, report.page_count) == ("partial", 2)
    assert report.reason == "cannot be read beyond page 2: the file is damaged there"


def test_what_is_no_file_is_typed(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match="is not there"):
        probe(tmp_path / "nowhere.pdf")
    with pytest.raises(FileMissing, match="is not there"):
        probe(written(tmp_path, b"x") / "below.pdf")
    with pytest.raises(FileMissing, match="zero byte"):
        probe(Path("a\0b"))
    with pytest.raises(NotAFile, match="a directory"):
        probe(tmp_path)
    os.mkfifo(tmp_path / "pipe.pdf")
    with pytest.raises(NotAFile, match="no regular file"):
        probe(tmp_path / "pipe.pdf")


def test_a_file_that_may_not_be_read_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, pdf([b""]))
    if os.geteuid() == 0:
        # Root may read everything: the system's answer is stood in for.
        def refuse(_: str) -> tuple[str, bytes]:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(task, "_read", refuse)
    else:
        path.chmod(0)
    with pytest.raises(FileForbidden, match="permissions"):
        probe(path)


def test_a_file_written_to_while_it_is_read_is_to_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, pdf([b""]))
    really_read = task._read

    def read_while_it_grows(name: str) -> tuple[str, bytes]:
        answer = really_read(name)
        with path.open("ab") as file:
            file.write(b"more")
        return answer

    monkeypatch.setattr(task, "_read", read_while_it_grows)
    with pytest.raises(FileChanged, match="again"):
        probe(path)


def test_names_of_any_bytes_are_probed(tmp_path: Path) -> None:
    for name in ("نظام الإحصاء.pdf".encode(), b"a,b=c 'd\".pdf", b"\xff\xfe.pdf", b"~x.pdf", b"-n"):
        path = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
        Path(path).write_bytes(pdf([b""]))
        assert probe_document(ProbeOrder(path)).state == "ready"


def test_many_files_are_answered_at_once_each_in_its_place(tmp_path: Path) -> None:
    good, bad = written(tmp_path, pdf([b""]), "a.pdf"), written(tmp_path, b"oops", "b.pdf")
    orders = tuple(ProbeOrder(str(path)) for path in (good, tmp_path / "none.pdf", bad, good))
    first, missing, damaged, again = probe_documents(orders)
    assert isinstance(missing, FileMissing)
    assert isinstance(damaged, ProbeReport)
    assert damaged.state == "damaged"
    assert first == again
    assert isinstance(pickle.loads(pickle.dumps(missing)), FileMissing)


async def test_a_file_is_probed_in_a_child(tmp_path: Path) -> None:
    child = Child(
        ChildSpec(task="bocr_worker.probe.task:probe_document", setup="bocr_worker.probe.task:set_up")
    )
    try:
        report = await child.run(ProbeOrder(str(written(tmp_path, pdf([b""] * 7)))), 60)
        assert report.page_count == 7
        with pytest.raises(TaskRaised) as caught:
            await child.run(ProbeOrder(str(tmp_path / "none.pdf")), 60)
        assert isinstance(caught.value.error, FileMissing)
        assert isinstance(caught.value.error, ProbeFailed)
    finally:
        await child.close()


@settings(max_examples=80)
@given(st.data())
def test_no_damage_makes_the_probe_raise(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = bytearray(pdf([text_content(["words"]), b""]))
    for _ in range(data.draw(st.integers(0, 12))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    path = tmp_path_factory.getbasetemp() / "probed.pdf"
    path.write_bytes(whole[:cut] if data.draw(st.booleans()) else whole)
    report = probe(path)
    assert report.state in ("ready", "partial", "damaged", "protected", "empty", "not_a_pdf")
    assert bool(report.reason) == (report.state != "ready")
    assert set(report.unloadable) <= set(range(1, report.page_count + 1))


NASTY = {
    "2400dpi.pdf": ("ready", 1, ""),
    "bad1.pdf": ("damaged", 0, "not a readable PDF"),
    "bad34.pdf": ("partial", 1, "1 of 1 pages cannot be loaded"),
    "bad35.pdf": ("damaged", 0, "damaged"),
    "bad_page_type.pdf": ("partial", 2, "1 of 2 pages cannot be loaded"),
    "blank.pdf": ("ready", 1, ""),
    "bug_1646.pdf": ("ready", 1, ""),
    "bug_555784.pdf": ("ready", 1, ""),
    "circular_viewer_ref.pdf": ("damaged", 0, "no list of pages"),
    "cropped_no_overlap.pdf": ("partial", 1, "1 of 1 pages cannot be loaded"),
    "deep-pages.pdf": ("partial", 1, "1 of 1 pages cannot be loaded"),
    "edgar-rotated90.pdf": ("ready", 1, ""),
    "empty.pdf": ("empty", 0, "has no pages"),
    "enc-R3,V2,O=master.pdf": ("ready", 30, ""),
    "enc-XI-R6,V5,U=view,O=master.pdf": ("protected", 0, "password"),
    "enormous.pdf": ("ready", 1, ""),
    "francais.pdf": ("ready", 1, ""),
    "fuzz-16214.pdf": ("damaged", 0, "readable PDF"),
    "habibi-rotated.pdf": ("ready", 4, ""),
    "horribleocr.pdf": ("ready", 1, ""),
    "hugemono.pdf": ("ready", 1, ""),
    "invalid.pdf": ("damaged", 0, "damaged"),
    "jbig2_baddevicen.pdf": ("ready", 1, ""),
    "libreoffice-writer-password.pdf": ("protected", 0, "password"),
    "livecycle.pdf": ("ready", 1, ""),
    "newspaper.pdf": ("ready", 1, ""),
    "no_contents.pdf": ("ready", 1, ""),
    "rotated_skew.pdf": ("ready", 1, ""),
    "skinnypage.pdf": ("ready", 2, ""),
    "type3_font_nomapping.pdf": ("ready", 1, ""),
    "unreadablemetadata.pdf": ("damaged", 0, "damaged"),
}
UNLOADABLE = {
    "bad34.pdf": (1,),
    "bad_page_type.pdf": (2,),
    "cropped_no_overlap.pdf": (1,),
    "deep-pages.pdf": (1,),
}
GAZETTE_PAGES = {
    "2009 code irpp-is.pdf": 468,
    "Investment-Law.pdf": 6,
    "JO-7750-du-25-juillet-2024.pdf": 4,
    "dec_irpp_ar.pdf": 12,
    "decret-2020-613-du-02-mars-2020-statut-des-magistrats.pdf": 6,
    "décret_2007_1406_fr.pdf": 10,
    "procédure pénale.pdf": 192,
    "نظام-الإحصاء-لعام-1447هـ_م29.pdf": 11,
}


def test_the_table_names_every_hostile_file(corpus: Path) -> None:
    assert {path.name for path in (corpus / "nasty").glob("*.pdf")} == set(NASTY)


@pytest.mark.parametrize("name", sorted(NASTY))
def test_every_hostile_file_is_judged_as_expected(corpus: Path, name: str) -> None:
    state, pages, words = NASTY[name]
    report = probe(corpus / "nasty" / name)
    assert (report.state, report.page_count) == (state, pages)
    assert words in report.reason
    assert report.unloadable == UNLOADABLE.get(name, ())


def test_the_order_of_files_does_not_change_what_is_said_of_them(corpus: Path) -> None:
    for name in [*sorted(NASTY), *sorted(NASTY, reverse=True)]:
        assert probe(corpus / "nasty" / name).state == NASTY[name][0]


def test_every_gazette_is_ready(corpus: Path) -> None:
    for path in (corpus / "gazettes").glob("*.pdf"):
        report = probe(path)
        assert (report.state, report.kind) == ("ready", "pdf")
        assert all(width > 100 and height > 100 for width, height in report.page_sizes)
        assert report.page_count == GAZETTE_PAGES.get(path.name, report.page_count)


def test_the_ground_truths_images_are_ready(corpus: Path) -> None:
    for path in (corpus / "groundtruth").glob("*.[jp][pn]g"):
        report = probe(path)
        assert (report.kind, report.state, report.page_count) == ("image", "ready", 1)
