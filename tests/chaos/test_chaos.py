"""A few trials with faults at random moments, the same ones each time; `make chaos` runs a thousand."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.trial import Cluster, run_trial
from tests.sites.sshd import SSHD


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    if SSHD is None:
        pytest.skip("OpenSSH's server is not installed")
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="bocr-chaos-") as folder, Cluster(Path(folder)) as made:
        yield made
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "kinds"),
    [
        (101, ("cut", "flap")),
        (102, ("driver", "cut")),
        (103, ("wrapper",)),
        (104, ("server", "restart")),
        (105, ("lost_id", "limit")),
        (106, ("requeue", "driver")),
    ],
)
def test_whatever_dies_nothing_is_lost_or_done_twice(
    cluster: Cluster, seed: int, kinds: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cluster.sshd.environment.items():
        monkeypatch.setenv(name, value)
    outcome = run_trial(cluster, seed, kinds)
    assert outcome.verdict.notes == []
    assert outcome.verdict.bad == 0
