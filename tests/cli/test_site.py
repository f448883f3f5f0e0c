"""`bocr site` and `bocr doctor SITE`: said by options, asked in a terminal, tried on a real host."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomllib

from bocr_tui.cli.asking_terminal import YES
from bocr_tui.config.model import load_config
from tests.cli.conftest import Bocr, command, environment
from tests.cli.shelf import Leaf, Shelf
from tests.pbs_double import Double
from tests.pbs_double.settings import Queue
from tests.sites.sshd import HOST, Sshd


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a bocr.toml that somebody wrote with care; the current one."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "bocr.toml").write_text(
        "# mine, keep it\npipeline = ['noop'] # for now\n\n[planning]\npages = 7\n"
    )
    monkeypatch.chdir(folder)
    return folder


INPT = (
    "--host", "inpt", "--root", "/scratch/bocr", "--queue", "gpu_1d",
    "--select", "1:ncpus=20:mem=180gb:ngpus=1", "--walltime", "23:30:00",
    "--setup", "module use /app/common/modules", "--setup", "module load anaconda3-2024.10",
    "--activate", "chandra=source activate khalil_vllm", "--model", "chandra=~/models/chandra",
    "--engine-python", "chandra=python3.10", "--max-queued", "4", "--documents", "in_place",
    "--pbs-exec", "/opt/pbs",
)  # fmt: skip


def test_everything_can_be_said_without_a_terminal(bocr: Bocr, workspace: Path) -> None:
    said = bocr("site", "add", "inpt", *INPT, "--no-test", "--default", "--yes")
    assert said.code == 0, said.err
    text = (workspace / "bocr.toml").read_text()
    assert "# mine, keep it" in text
    assert "pipeline = ['noop'] # for now" in text
    config = load_config(workspace / "bocr.toml")
    site = config.sites["inpt"]
    assert (config.site, config.planning.pages) == ("inpt", 7)
    assert (site.transport, site.scheduler, site.pbs.queue, site.max_queued) == ("ssh", "pbs", "gpu_1d", 4)
    assert site.setup == ("module use /app/common/modules", "module load anaconda3-2024.10")
    assert site.environments["chandra"].activate == ("source activate khalil_vllm",)
    assert site.environments["chandra"].python == "python3.10"
    assert (site.documents, site.pbs_exec) == ("in_place", "/opt/pbs")


def test_several_sites_live_in_one_workspace_and_are_listed(bocr: Bocr, workspace: Path) -> None:
    bocr("site", "add", "inpt", *INPT, "--no-test", "--yes")
    bocr(
        "site",
        "add",
        "box",
        "--host",
        "gpubox",
        "--scheduler",
        "direct",
        "--slots",
        "2",
        "--no-test",
        "--yes",
    )
    bocr("site", "add", "login", "--here", "--queue", "workq", "--no-test", "--yes")
    listed = {one["site"]: one for one in bocr("site", "list", "--json").json}
    assert [*listed] == ["local", "inpt", "box", "login"]
    assert [one["scheduler"] for one in listed.values()] == ["direct", "pbs", "direct", "pbs"]
    assert listed["login"]["transport"] == "local"
    assert listed["local"]["default"] is True
    roots = [one["root"] for one in listed.values()]
    assert len(set(roots)) == 4, "no two sites share a folder"
    assert "gpubox" in bocr("site", "list").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "x"), "Where is the site?"),
        (("add", "a b", "--here"), "no name for a site"),
        (("add", "x", "--host", "-oProxyCommand=id"), "does not have the form"),
        (("add", "x", "--here", "--slots", "0"), "must be at least 1"),
        (("add", "x", "--here", "--queue", "a;b"), "does not have the form"),
        (("add", "x", "--here", "--scheduler", "slurm"), "is none of direct, pbs"),
        (("add", "x", "--here", "--activate", "source activate y"), "no ENGINE=TEXT"),
        (("add", "x", "--here", "--directive", "-V"), "is none of"),
        (("test", "nowhere", "--no-job"), "There is no site nowhere"),
        (("remove", "nowhere"), "configures no site nowhere"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    bocr: Bocr, workspace: Path, arguments: tuple[str, ...], said: str
) -> None:
    before = (workspace / "bocr.toml").read_text()
    answer = bocr("site", *arguments)
    assert answer.code == 2
    assert said in answer.err
    assert (workspace / "bocr.toml").read_text() == before


def test_a_site_that_is_there_is_not_written_over(bocr: Bocr, workspace: Path) -> None:
    bocr("site", "add", "inpt", *INPT, "--no-test", "--yes")
    again = bocr("site", "add", "inpt", "--here", "--no-test")
    assert (again.code, "already" in again.err) == (2, True)


def test_a_site_is_tested_when_it_is_added_and_stays_when_that_fails(bocr: Bocr, workspace: Path) -> None:
    good = bocr("site", "add", "here", "--here", "--yes", "--json")
    assert good.code == 0, good.err
    assert {check["name"] for check in good.json["checks"]} >= {"connection", "root", "scheduler"}
    assert tomllib.loads((workspace / "bocr.toml").read_text())["sites"]["here"] == good.json["settings"]
    bad = bocr("site", "add", "bad", "--here", "--engine-python", "noop=/no/python", "--yes")
    assert bad.code == 1
    assert "has no /no/python" in bad.out
    assert "bad" in load_config(workspace / "bocr.toml").sites


def test_a_site_goes_unless_jobs_live_there(bocr: Bocr, shelf: Shelf) -> None:
    where = ("-w", shelf.workspace.root)
    bocr("site", "add", "box", "--here", "--no-test", "--yes", "--default", *where)
    _change(shelf, "UPDATE job SET state = 'queued', site = 'box' WHERE id = ?", shelf.jobs[0])
    living = bocr("site", "remove", "box", *where)
    assert (living.code, "1 job live" in living.err) == (1, True)
    assert bocr("site", "list", "--json", *where).json[1]["jobs"] == 1
    _change(shelf, "UPDATE job SET state = 'finished' WHERE id = ?", shelf.jobs[0])
    gone = bocr("site", "remove", "box", "--json", *where)
    assert gone.json == {"site": "box", "removed": True, "default": "local"}


def test_documents_that_lie_there_alone_are_not_lost_sight_of_by_mistake(bocr: Bocr, shelf: Shelf) -> None:
    where = ("-w", shelf.workspace.root)
    bocr("site", "add", "box", "--here", "--no-test", "--yes", *where)
    document = shelf.document("a.pdf", [Leaf()])
    _change(
        shelf,
        "INSERT INTO source"
        " (document_id, site, path, import_root, name, size_bytes, mtime_ns, state, seen_at)"
        " VALUES (?, 'box', x'61', x'62', 'a.pdf', 1, 1, 'present', 1)",
        document,
    )
    refused = bocr("site", "remove", "box", *where)
    assert (refused.code, "1 document of this workspace" in refused.err) == (2, True)
    assert bocr("site", "remove", "box", "--yes", *where).code == 0


def _change(shelf: Shelf, statement: str, *values: object) -> None:
    with shelf.catalog.writing() as connection:
        connection.exec_driver_sql(statement, values)


# -- asked in a terminal -------------------------------------------------------------------------------


class Terminal:
    """A `bocr` in a terminal of its own: what it asks is waited for, then answered."""

    def __init__(self, folder: Path, *arguments: object, **variables: str) -> None:
        self._main, side = pty.openpty()
        self.process = subprocess.Popen(
            command(*arguments),
            cwd=folder,
            env={**environment(), **variables},
            stdin=side,
            stdout=side,
            stderr=side,
            start_new_session=True,
        )
        os.close(side)
        self.shown = ""

    def answer(self, question: str, line: str) -> None:
        deadline = time.monotonic() + 30
        while question not in self.shown:
            assert time.monotonic() < deadline, self.shown
            self._read()
        self.shown = self.shown.split(question, 1)[1]
        os.write(self._main, f"{line}\n".encode())

    def rest(self) -> str:
        while self._read():
            pass
        self.process.wait(30)
        return self.shown

    def _read(self) -> bool:
        if not select.select([self._main], [], [], 60)[0]:
            return False
        try:
            read = os.read(self._main, 65536)
        except OSError:  # the other side is closed
            return False
        self.shown += read.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(read)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._main)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for one in opened:
        one.close()


def test_in_a_terminal_what_was_not_said_is_asked(workspace: Path, terminals: list[Terminal]) -> None:
    asked = Terminal(workspace, "site", "add", "inpt", "--no-test", "--account", "ocr-2026")
    terminals.append(asked)
    asked.answer("Host,", "inpt")
    asked.answer("folder there", "")
    asked.answer("Who starts jobs", "slurm")
    asked.answer("'slurm' is none of direct, pbs", "")
    asked.answer("Queue", "gpu_1d")
    asked.answer("Resources", "1:ncpus=20:ngpus=1")
    asked.answer("Walltime", "one day")
    asked.answer("'one day' does not have the form", "23:30:00")
    asked.answer("Jobs to keep there", "5")
    asked.answer("Shell lines", "module load anaconda3")
    asked.answer("module load anaconda3", "")
    asked.answer("Engines", "chandra")
    asked.answer("chandra: lines", "source activate k")
    asked.answer("source activate k", "")
    asked.answer("chandra: the folder", "~/models/chandra")
    asked.answer("Documents", "")
    asked.rest()
    assert asked.process.returncode == 0
    site = load_config(workspace / "bocr.toml").sites["inpt"]
    assert (site.host, site.root, site.scheduler, site.max_queued) == ("inpt", "bocr-inpt", "pbs", 5)
    assert (site.pbs.walltime, site.pbs.account) == ("23:30:00", "ocr-2026")
    assert site.environments["chandra"].activate == ("source activate k",)


def test_who_leaves_in_the_middle_changes_nothing(workspace: Path, terminals: list[Terminal]) -> None:
    before = (workspace / "bocr.toml").read_text()
    asked = Terminal(workspace, "site", "add", "inpt")
    terminals.append(asked)
    asked.answer("Host,", "inpt")
    asked.answer("folder there", "\x04")
    assert "Interrupted" in asked.rest()
    assert asked.process.returncode == 130
    assert (workspace / "bocr.toml").read_text() == before


# -- a real host ---------------------------------------------------------------------------------------


def test_a_new_hosts_key_is_asked_about_once_when_its_site_is_added(
    workspace: Path, sshd: Sshd, terminals: list[Terminal]
) -> None:
    (sshd.ssh / "known_hosts").unlink()
    options = ("--host", HOST, "--root", sshd.home / "site", "--scheduler", "direct", "--yes")
    refused = Terminal(workspace, "site", "add", "far", *options, **sshd.environment)
    terminals.append(refused)
    refused.answer("Type yes", "no")
    shown = refused.rest()
    assert "bad   connection" in shown
    assert "When that is mended: `bocr doctor far`" in shown
    assert refused.process.returncode == 1
    asked = Terminal(workspace, "site", "test", "far", "--no-job", **sshd.environment)
    terminals.append(asked)
    asked.answer("Type yes", YES)
    shown = asked.rest()
    assert re.search(r"good  host key +SHA256:\S+\s+is in known_hosts", shown), shown
    assert asked.process.returncode == 0


def test_without_a_terminal_a_new_host_is_declined_with_the_next_step(
    bocr: Bocr, workspace: Path, sshd: Sshd
) -> None:
    (sshd.ssh / "known_hosts").unlink()
    said = bocr("site", "add", "far", "--host", HOST, "--scheduler", "direct", "--yes", "--json")
    assert said.code == 1
    (check,) = said.json["checks"]
    assert (check["name"], check["state"]) == ("connection", "bad")
    assert re.search(r"SHA256:\S+\) has not been accepted", check["said"])
    assert "run `bocr doctor far`" in check["next_step"]


QUEUES = [Queue("workq"), Queue("closed", enabled=False)]


def test_the_doctor_examines_a_cluster_from_connection_to_test_job(
    bocr: Bocr, workspace: Path, sshd: Sshd, tmp_path: Path
) -> None:
    with Double.start(tmp_path / "pbs", slots=2, queues=QUEUES, stageout_s=0.05) as pbs:
        _add_cluster(workspace, sshd, pbs, "workq")
        said = bocr("doctor", "cluster", "--json", "--wait", "60")
        checks = {check["name"]: check for check in said.json}
        assert {check["state"] for check in said.json} == {"good"}, said.json
        assert said.code == 0
        assert {"connection", "host key", "login node", "root", "disk", "scheduler", "queue workq"} <= {
            *checks
        }
        assert "PBS 23.06.06" in checks["scheduler"]["said"]
        assert "starts there" in checks["worker noop"]["said"]
        assert "ran and reported" in checks["test job"]["said"]
        assert list((sshd.home / "site" / "runs").iterdir()) == []
        for job in pbs.jobs():
            pbs.wait(job.id)  # as ended


def test_the_doctor_says_why_a_cluster_takes_no_jobs(
    bocr: Bocr, workspace: Path, sshd: Sshd, tmp_path: Path
) -> None:
    with Double.start(tmp_path / "pbs", slots=2, queues=QUEUES) as pbs:
        _add_cluster(workspace, sshd, pbs, "closed")
        checks = {check["name"]: check for check in bocr("doctor", "cluster", "--json").json}
        assert "takes no jobs" in checks["queue closed"]["said"]
        assert checks["test job"]["state"] == "bad"
        pbs.faults(server="down")
        down = bocr("doctor", "cluster", "--json", "--quick")
        assert {check["name"]: check["state"] for check in down.json}["scheduler"] == "bad"


def _add_cluster(workspace: Path, sshd: Sshd, pbs: Double, queue: str) -> None:
    import sys

    with (workspace / "bocr.toml").open("a") as stream:
        stream.write(
            f'\n[sites.cluster]\ntransport = "ssh"\nscheduler = "pbs"\nhost = "{HOST}"\n'
            f'root = "{sshd.home}/site"\npbs_exec = "{pbs.pbs_exec}"\npython = "{sys.executable}"\n'
            f'[sites.cluster.pbs]\nqueue = "{queue}"\nselect = "1:ncpus=1"\nwalltime = "01:00:00"\n'
        )
