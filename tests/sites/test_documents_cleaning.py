"""What may go from a site goes in few round trips; what is needed, unknown or not ours stays."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bocr_tui.actions.action import CatalogHandle, Context, Options, Outcome
from bocr_tui.actions.registry import action_named
from bocr_tui.config.workspace import Workspace
from bocr_tui.sites.helper import cleaning
from bocr_tui.sites.site import open_site
from bocr_tui.sites.transport.local import LocalTransport
from bocr_worker.protocol.manifest import DocumentOrder, EngineOrder, Manifest, PageOrder, dump_manifest
from tests.cli.shelf import FAILED, GAVE_UP, IGNORED, NEW, Leaf, Shelf

DATA = b"the document's bytes"
SHA = hashlib.sha256(DATA).hexdigest()


class Far:
    """A shelf whose documents were uploaded to the site `far`, a folder here."""

    def __init__(self, folder: Path) -> None:
        self.shelf = Shelf(folder / "workspace")
        self.shelf.workspace.config_path.write_text('[sites.local]\n[sites.far]\nroot = "far"\n')
        self.workspace = Workspace(self.shelf.workspace.root)
        self.root = self.workspace.root / "far"
        self.root.mkdir()
        self.here = folder / "here"
        self.here.mkdir()
        self.calls: list[str] = []

    def upload(self, name: str, *leaves: Leaf, state: str = "present", local: bool = True) -> int:
        document = self.shelf.document(name, leaves)
        with self.shelf.catalog.writing() as connection:
            run = connection.exec_driver_sql
            (sha,) = run("SELECT sha256 FROM document WHERE id = ?", (document,)).one()
            run("UPDATE document SET size_bytes = ? WHERE id = ?", (len(DATA), document))
            run(
                "INSERT INTO site_document VALUES ('far', ?, ?, '', '', 0)",
                (document, state),
            )
            path = self.here / name
            if local:
                path.write_bytes(DATA)
            run(
                "INSERT INTO source (document_id, path, import_root, name, site, size_bytes, mtime_ns, state,"
                " seen_at) VALUES (?, ?, ?, ?, '', ?, 0, 'present', 0)",
                (document, os.fsencode(path), b"/", name, len(DATA)),
            )
        there = self.root / "documents" / sha[:2] / f"{sha}.pdf"
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(DATA)
        return document

    def sha(self, document: int) -> str:
        with self.shelf.catalog.reading() as connection:
            row = connection.exec_driver_sql("SELECT sha256 FROM document WHERE id = ?", (document,)).one()
        return str(row[0])

    def there(self) -> set[str]:
        return {path.stem for path in (self.root / "documents").rglob("*.pdf")}

    def states(self) -> dict[int, str]:
        with self.shelf.catalog.reading() as connection:
            return dict(connection.exec_driver_sql("SELECT document_id, state FROM site_document").all())  # type: ignore[arg-type]

    def hold(self, document: int) -> None:
        """A living chain on the site needs it."""
        with self.shelf.catalog.writing() as connection:
            run = connection.exec_driver_sql
            run(
                "INSERT INTO chain (kind, site, state, pipeline, created_at)"
                " VALUES ('batch', 'far', 'live', '{}', 0)"
            )
            run(
                "INSERT INTO reservation (page_id, chain_id, created_at) SELECT id, last_insert_rowid(), 0"
                " FROM page WHERE document_id = ?",
                (document,),
            )

    def clean(self, *, act: bool = True, everything: bool = False) -> Outcome:
        context = Context(self.workspace, CatalogHandle(self.workspace.catalog_path))
        options = Options(site="far", act=act, everything=everything)
        return action_named("workspace.clean").run(context, options)


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Far]:
    made = Far(tmp_path)

    class Counting(LocalTransport):
        async def call(self, function: str, *arguments: object, timeout_s: float = 60.0) -> object:
            made.calls.append(function)
            return await super().call(function, *arguments, timeout_s=timeout_s)

    def counted(workspace: Workspace, name: str, *_: object) -> object:
        from dataclasses import replace

        return replace(open_site(workspace, name), transport=Counting(workspace.root / name))

    monkeypatch.setattr("bocr_tui.actions.cleaning.open_site", counted)
    yield made
    made.shelf.catalog.close()


def test_settled_documents_go_and_a_dry_run_says_how_much(far: Far) -> None:
    document = far.upload("a.pdf", Leaf(), GAVE_UP, IGNORED)
    dry = far.clean(act=False)
    assert "1 uploaded document" in dry.text and dry.numbers["bytes"] == len(DATA)
    assert far.there() and far.states() == {document: "present"}
    done = far.clean()
    assert done.numbers["documents"] == [f"documents/{far.sha(document)[:2]}/{far.sha(document)}.pdf"]
    assert done.numbers["freed_bytes"] == len(DATA)
    assert far.there() == set()
    assert far.states() == {document: "freed"}
    assert far.clean().count == 0


@pytest.mark.parametrize("leaf", [NEW, FAILED], ids=["new", "failed"])
def test_a_document_with_pages_to_read_goes_only_when_everything_may(far: Far, leaf: Leaf) -> None:
    document = far.upload("a.pdf", Leaf(), leaf)
    done = far.clean()
    assert "1 page of it is not settled" in next(iter(done.numbers["kept"].values()))
    assert far.states() == {document: "present"}
    assert far.clean(everything=True).count == 1


def test_what_a_job_needs_stays_with_its_drawn_pages(far: Far) -> None:
    document = far.upload("a.pdf", Leaf())
    drawn = far.root / "split" / far.sha(document)
    drawn.mkdir(parents=True)
    far.hold(document)
    done = far.clean(everything=True)
    assert set(done.numbers["kept"].values()) == {"a job needs it now"}
    assert drawn.exists() and far.there() == {far.sha(document)}


def test_a_job_ordered_between_looking_and_freeing_keeps_its_documents(
    far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = far.upload("a.pdf", Leaf())
    from bocr_tui.actions import cleaning as acting

    free = acting._free

    async def order_first(*arguments: object) -> object:
        far.hold(document)
        return await free(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(acting, "_free", order_first)
    done = far.clean()
    assert set(done.numbers["kept"].values()) == {"a job needs it now"}
    assert far.there() == {far.sha(document)} and far.states() == {document: "present"}


def test_the_only_copy_stays(far: Far) -> None:
    far.upload("a.pdf", Leaf(), local=False)
    done = far.clean()
    assert "only copy" in next(iter(done.numbers["kept"].values()))
    assert far.there()


def test_a_text_that_does_not_verify_keeps_its_document(far: Far) -> None:
    far.upload("a.pdf", Leaf(text="authentique"))
    path = far.shelf.result_path()
    path.write_bytes(path.read_bytes().replace(b"authentique", b"falsifie!!!"))
    assert "does not verify" in next(iter(far.clean().numbers["kept"].values()))
    assert far.there()


def _run_of_another(far: Far, token: str, sha256: str) -> Path:
    """A job of another workspace below the same root."""
    order = DocumentOrder(sha256, f"documents/{sha256[:2]}/{sha256}.pdf", "pdf", "a.pdf", 1, (PageOrder(1),))
    run = far.root / "runs" / token
    run.mkdir(parents=True)
    manifest = Manifest(token, 1, 0, EngineOrder("noop", "noop"), (order,))
    (run / "manifest.json").write_bytes(dump_manifest(manifest))
    return run


def test_what_a_job_of_another_workspace_needs_stays_until_that_has_ended(far: Far) -> None:
    document = far.upload("a.pdf", Leaf())
    drawn = far.root / "split" / far.sha(document)
    drawn.mkdir(parents=True)
    run = _run_of_another(far, "bother00000001", far.sha(document))
    assert set(far.clean().numbers["kept"].values()) == {"a job of another workspace or site needs it"}
    assert drawn.exists() and far.there() == {far.sha(document)}
    (run / "exit.json").write_text("{}")
    assert far.clean().count == 2
    assert run.exists()


def test_runs_of_this_workspace_are_no_strangers(far: Far) -> None:
    document = far.upload("a.pdf", Leaf())
    with far.shelf.catalog.writing() as connection:
        connection.exec_driver_sql("UPDATE job SET site = 'far'")
    _run_of_another(far, far.shelf.tokens[0], far.sha(document))
    assert far.clean().numbers["documents"]


def test_what_lies_in_place_is_never_touched(far: Far) -> None:
    document = far.upload("a.pdf", Leaf())
    name = f"documents/{far.sha(document)[:2]}/{far.sha(document)}.pdf"
    with far.shelf.catalog.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO source (document_id, path, import_root, name, site, size_bytes, mtime_ns, state,"
            " seen_at) VALUES (?, ?, ?, 'a.pdf', 'far', 1, 0, 'present', 0)",
            (document, b"site:far:" + os.fsencode(far.root / name), b"/"),
        )
    assert far.clean(everything=True).numbers["kept"] == {name: "it was imported in place from there"}
    other = far.upload("b.pdf", Leaf(), state="in_place")
    assert far.clean(everything=True).count == 0
    assert far.there() == {far.sha(document), far.sha(other)}


def test_what_the_catalog_does_not_know_stays(far: Far) -> None:
    for stranger in (f"documents/{SHA[:2]}/{SHA}.pdf", f"split/{SHA}/1.png", "runs/bstranger1/manifest.json"):
        path = far.root / stranger
        path.parent.mkdir(parents=True)
        path.write_bytes(b'{"token": "bstranger1"}')
    far.upload("a.pdf", Leaf())
    assert far.clean().count == 1
    assert len([path for path in far.root.rglob("*") if path.is_file()]) == 3


def test_a_purged_document_is_known_to_be_gone(far: Far) -> None:
    document = far.upload("a.pdf", NEW)
    next((far.root / "documents").rglob("*.pdf")).unlink()
    assert far.clean(act=False).count == 0
    assert far.states() == {document: "freed"}


def test_drawn_pages_go_with_everything_in_them_and_links_are_not_followed(far: Far, tmp_path: Path) -> None:
    document = far.upload("a.pdf", NEW)
    drawn = far.root / "split" / far.sha(document)
    (drawn / "deep").mkdir(parents=True)
    (drawn / "deep" / "1.png").write_bytes(b"x" * 100)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "kept").write_bytes(b"1")
    (drawn / "link").symlink_to(precious)
    done = far.clean()
    assert done.numbers["splits"] == [f"split/{far.sha(document)}"]
    assert not drawn.exists() and (precious / "kept").exists()
    assert far.states() == {document: "present"}


def test_links_in_the_place_of_our_folders_are_refused(far: Far, tmp_path: Path) -> None:
    document = far.upload("a.pdf", Leaf())
    precious = tmp_path / "precious"
    (precious / "kept").mkdir(parents=True)
    (far.root / "split").mkdir()
    (far.root / "split" / far.sha(document)).symlink_to(precious)
    (far.root / "documents").rename(tmp_path / "elsewhere")
    (far.root / "documents").symlink_to(tmp_path / "elsewhere")
    kept = far.clean().numbers["kept"]
    assert "is a link" in kept[f"documents/{far.sha(document)[:2]}/{far.sha(document)}.pdf"]
    assert kept[f"split/{far.sha(document)}"] == "it is no folder"
    assert (precious / "kept").exists() and len(list((tmp_path / "elsewhere").rglob("*.pdf"))) == 1
    assert far.states() == {document: "present"}


def test_a_hundred_things_go_in_one_round_trip(far: Far) -> None:
    for number in range(250):
        far.upload(f"{number}.pdf", Leaf(state="ignored", text=None))
    far.calls.clear()
    assert far.clean().count == 250
    assert far.calls == ["have_documents", "needed_elsewhere", "list_splits", *["remove_things"] * 3]


def test_an_interrupted_removal_is_finished_the_next_time(tmp_path: Path) -> None:
    half = tmp_path / "split" / f".{SHA}.removed"
    half.mkdir(parents=True)
    (half / "1.png").write_bytes(b"12345")
    name = f"split/{SHA}"
    assert cleaning.measure_things(str(tmp_path), [name]) == {name: 5}
    assert cleaning.remove_things(str(tmp_path), [name]) == {name: [5, ""]}
    assert not half.exists()
    assert cleaning.measure_things(str(tmp_path), [name]) == {}


@pytest.mark.parametrize(
    "name",
    ["runs/../precious", "runs/", "", "/etc", f"documents/zz/{SHA}.pdf", f"split/{SHA}/..", f"split/{SHA}\n"],
)
def test_names_that_are_none_of_ours_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "precious").mkdir()
    assert cleaning.measure_things(str(tmp_path), [name]) == {}
    assert cleaning.remove_things(str(tmp_path), [name]) == {name: [0, "that is no name of a thing of ours"]}
    assert (tmp_path / "precious").exists()
