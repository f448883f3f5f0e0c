"""One process works on a run, however often it is started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bocr_worker.claim import Claim, ClaimedElsewhere
from bocr_worker.protocol.exit_report import ExitReport, dump_exit_report

LEASE_S = 0.5


def test_a_second_job_leaves_a_claimed_run_alone(tmp_path: Path) -> None:
    Claim.take(tmp_path, "1.server", LEASE_S)
    with pytest.raises(ClaimedElsewhere, match=r"1\.server"):
        Claim.take(tmp_path, "2.server", LEASE_S)


def test_the_same_job_started_again_waits_while_the_lease_is_renewed(tmp_path: Path) -> None:
    first = Claim.take(tmp_path, "1.server", LEASE_S)
    with pytest.raises(ClaimedElsewhere):
        Claim.take(tmp_path, "1.server", LEASE_S, stopped=lambda: first.renew() or True)


def test_a_lease_that_lapsed_is_taken_over_and_the_first_owner_notices(tmp_path: Path) -> None:
    first = Claim.take(tmp_path, "1.server", LEASE_S)
    owner = json.loads((tmp_path / "claim" / "owner").read_text())
    owner["host"] = "another-node"
    (tmp_path / "claim" / "owner").write_text(json.dumps(owner))
    os.utime(tmp_path / "lease", (1, 1))
    Claim.take(tmp_path, "1.server", LEASE_S).renew()
    with pytest.raises(ClaimedElsewhere, match="lapsed"):
        first.renew()


def test_a_process_that_died_here_is_succeeded_at_once(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from bocr_worker.claim import Claim;"
        f"Claim.take(pathlib.Path({str(tmp_path)!r}), '1.server', 60.0)"
    )
    worker = str(Path(__file__).resolve().parents[2] / "worker")
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": worker})
    Claim.take(tmp_path, "1.server", 60.0, stopped=lambda: pytest.fail("it should not have waited"))
    assert json.loads((tmp_path / "claim" / "owner").read_text())["pid"] == os.getpid()


@pytest.mark.parametrize(("outcome", "again"), [("partial", True), ("error", True), ("ok", False)])
def test_a_run_that_ended_is_started_again_only_if_pages_were_left(
    tmp_path: Path, outcome: str, again: bool
) -> None:
    claim = Claim.take(tmp_path, "1.server", LEASE_S)
    (tmp_path / "exit.json").write_bytes(dump_exit_report(ExitReport("btoken", outcome)))
    claim.release()
    if again:
        Claim.take(tmp_path, "1.server", 60.0)
        assert not (tmp_path / "exit.json").exists()
    else:
        with pytest.raises(ClaimedElsewhere, match="ended"):
            Claim.take(tmp_path, "1.server", 60.0)
