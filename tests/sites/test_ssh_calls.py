"""Questions over a link that drops, freezes and mumbles: one answer, or an error that says what is known."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bocr_tui.config.errors import SiteError
from bocr_tui.sites.transport.base import Link, NeverSent, RunAsk, TransportLost
from bocr_tui.sites.transport.ssh import commands, installing
from bocr_tui.sites.transport.ssh import transport as transport_module
from bocr_tui.sites.transport.ssh.hops import Tuning
from bocr_tui.sites.transport.ssh.installing import helper_folder
from bocr_tui.sites.transport.ssh.session import NotStarted
from bocr_tui.sites.transport.ssh.transport import SshTransport
from tests.sites.cut_proxy import CutProxy
from tests.sites.sshd import Sshd

Make = Callable[..., SshTransport]
QUICK = Tuning(keepalive_s=0.2, keepalive_count=2, connect_s=10)


async def _until(ready: Callable[[], bool], timeout_s: float = 15.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not ready():
            await asyncio.sleep(0.01)


def _add_function(transport: SshTransport, sshd: Sshd, body: str) -> None:
    """Give the helper on the site another function, `extra(root, *arguments)`."""
    calls = sshd.home / "site" / helper_folder() / "bocr_helper" / "calls.py"
    before = calls.read_text().split("\n# extra")[0]
    calls.write_text(
        f"{before}\n# extra\ndef extra(root, *arguments):\n    {body}\nFUNCTIONS['extra'] = extra\n"
    )
    shutil.rmtree(calls.parent / "__pycache__", ignore_errors=True)


async def test_the_helper_is_put_there_once_and_each_question_is_one_command(
    sshd: Sshd, ssh_transport: Make
) -> None:
    transport = ssh_transport(sshd.site())
    place = await transport.place()
    assert (place.root, place.home) == (str(sshd.home / "site"), str(sshd.home))
    assert place.version >= (3, 6)
    assert transport.commands.count == 2, "a look, and the helper put there"
    await transport.poll([])
    assert transport.commands.count == 3
    other = ssh_transport(sshd.site())
    await other.poll([])
    assert other.commands.count == 2, "a look, and the question"


@pytest.mark.parametrize("root", ["site", "~/site", "$HOME/site", "${HOME}/site"])
async def test_the_root_is_the_sites_to_resolve(sshd: Sshd, ssh_transport: Make, root: str) -> None:
    assert (await ssh_transport(sshd.site(root=root)).place()).root == str(sshd.home / "site")


async def test_a_root_is_found_where_only_a_login_sets_its_variable(sshd: Sshd, ssh_transport: Make) -> None:
    (sshd.home / ".bash_profile").write_text("echo Welcome\nexport WORK_AREA=~/work\necho Enjoy\n")
    transport = ssh_transport(sshd.site(root="$WORK_AREA/bocr"))
    assert (await transport.place()).root == str(sshd.home / "work" / "bocr")
    with pytest.raises(SiteError, match="no variable NO_SUCH"):
        await ssh_transport(sshd.site(root="$NO_SUCH/bocr")).place()


async def test_a_root_with_a_hostile_name_is_a_name(sshd: Sshd, ssh_transport: Make) -> None:
    root = sshd.home / "a 'quoted' \"root\" ;touch oops" / "-rf & é"
    transport = ssh_transport(sshd.site(root=root))
    await transport.stage({"runs/bquote1": {"a": b"1"}})
    assert (root / "runs" / "bquote1" / "a").read_bytes() == b"1"
    assert not list(sshd.home.rglob("oops"))


async def test_banners_noise_and_bytes_that_are_no_text_do_not_disturb_an_answer(
    sshd: Sshd, ssh_transport: Make
) -> None:
    (sshd.home / ".bashrc").write_text(
        "echo Welcome to the cluster; printf '\\377\\376 no newline'; echo bocr-frame 1 2 3; seq 20000 >&2\n"
    )
    (sshd.folder / "banner").write_text("Authorised use only.\n")
    sshd.stop()
    sshd.start(f"Banner {sshd.folder}/banner")
    transport = ssh_transport(sshd.site())
    await transport.stage({"runs/bnoise1": {"journal-0000000000000000.jsonl": b"head\n\xff\xfe\x00\n"}})
    (news,) = await transport.poll([RunAsk("bnoise1")])
    assert news.files[0].data == b"head\n\xff\xfe\x00\n"


async def test_an_account_that_runs_nothing_is_told_in_its_own_words(sshd: Sshd, ssh_transport: Make) -> None:
    sshd.stop()
    sshd.start("ForceCommand echo This account is $'\\\\e[31m' closed; exit 1")
    with pytest.raises(SiteError, match="This account is") as told:
        await ssh_transport(sshd.site()).place()
    assert "\x1b" not in told.value.cause


async def test_a_site_without_a_new_enough_python_is_told(
    sshd: Sshd, ssh_transport: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = sshd.folder / "bin"
    empty.mkdir()
    (empty / "python3").write_text("#!/bin/sh\nexit 1\n")
    (empty / "python3").chmod(0o755)
    monkeypatch.setattr(installing, "PYTHONS", (str(empty / "python3"), "python3.0"))
    with pytest.raises(SiteError, match=r"no Python 3\.6"):
        await ssh_transport(sshd.site()).place()


async def test_refusals_errors_and_slowness_are_told_apart(sshd: Sshd, ssh_transport: Make) -> None:
    transport = ssh_transport(sshd.site())
    await transport.place()
    with pytest.raises(SiteError, match="no manifest of this token"):
        await transport.call("remove_run", "bnone1aaa")
    with pytest.raises(SiteError, match="no name below a folder"):
        await transport.stage({"../outside": {"a": b""}})
    _add_function(transport, sshd, "import time; time.sleep(30)")
    with pytest.raises(TransportLost, match="too long"):
        await transport.call("extra", timeout_s=0.5)
    _add_function(transport, sshd, "import os; os._exit(3)")
    with pytest.raises(TransportLost, match="ended with 3"):
        await transport.call("extra")
    _add_function(transport, sshd, "import os; os.kill(os.getpid(), 9)")
    with pytest.raises(TransportLost):
        await transport.call("extra")


async def test_a_purged_or_damaged_helper_is_put_there_again(sshd: Sshd, ssh_transport: Make) -> None:
    transport = ssh_transport(sshd.site())
    await transport.place()
    folder = sshd.home / "site" / helper_folder()
    shutil.rmtree(folder)
    assert await transport.poll([]) == []
    (folder / "bocr_helper" / "runs.py").unlink()
    assert await transport.poll([]) == []
    (folder / "bocr_helper" / "__init__.py").unlink()
    (folder / "bocr_helper" / "__main__.py").unlink()
    assert await transport.poll([]) == []
    assert not list(folder.parent.glob("*.part*"))


async def test_a_helper_that_others_could_have_written_is_not_run(sshd: Sshd, ssh_transport: Make) -> None:
    folder = sshd.home / "site" / helper_folder()
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    (folder / "__main__.py").write_text(f"open('{sshd.home}/oops', 'w')\n")
    await ssh_transport(sshd.site()).poll([])
    assert not (sshd.home / "oops").exists()
    assert folder.stat().st_mode & 0o077 == 0


async def test_what_the_helper_makes_is_private(sshd: Sshd, ssh_transport: Make) -> None:
    await ssh_transport(sshd.site()).stage({"runs/bpriv1": {"d/a": b"1"}})
    for path in (sshd.home / "site").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


async def test_a_link_cut_in_the_middle_of_an_answer_is_no_answer(
    sshd: Sshd, ssh_transport: Make, cut_proxy: CutProxy
) -> None:
    transport = ssh_transport(sshd.site(via=cut_proxy))
    await transport.place()
    _add_function(transport, sshd, "import os; return os.urandom(2000000)")
    for bytes_down in (500, 100_000, 1_500_000):
        cut_proxy.cut_after(down=bytes_down)
        with pytest.raises(TransportLost) as lost:
            await transport.call("extra")
        assert not isinstance(lost.value, NeverSent) or bytes_down == 500
        await _until(lambda: transport.link is Link.WAITING)
        assert len(await transport.call("extra")) == 2_000_000
        assert transport.link is Link.CONNECTED


async def test_a_question_that_was_cut_was_not_carried_out(
    sshd: Sshd, ssh_transport: Make, cut_proxy: CutProxy
) -> None:
    transport = ssh_transport(sshd.site(via=cut_proxy))
    await transport.place()
    cut_proxy.cut_after(up=300_000)
    files = {"runs/bcut1": {"a": os.urandom(1_000_000)}}
    with pytest.raises(TransportLost):
        await transport.stage(files)
    assert not (sshd.home / "site" / "runs" / "bcut1").exists()
    await transport.stage(files)
    assert (sshd.home / "site" / "runs" / "bcut1" / "a").stat().st_size == 1_000_000


async def test_a_server_that_was_restarted_is_reached_again(sshd: Sshd, ssh_transport: Make) -> None:
    transport = ssh_transport(sshd.site())
    await transport.poll([])
    sshd.stop()
    await _until(lambda: transport.link is Link.WAITING)
    assert "was lost" in transport.problem
    with pytest.raises(NeverSent):
        await transport.poll([])
    sshd.start()
    await transport.poll([])
    assert transport.link is Link.CONNECTED
    assert transport.problem == ""


async def test_a_frozen_peer_is_found_and_left(sshd: Sshd, ssh_transport: Make, cut_proxy: CutProxy) -> None:
    transport = ssh_transport(sshd.site(via=cut_proxy), tuning=QUICK)
    await transport.place()
    cut_proxy.freeze()
    with pytest.raises(TransportLost):
        await asyncio.wait_for(transport.poll([]), 10)
    await _until(lambda: transport.link is Link.WAITING)
    cut_proxy.thaw()
    assert await transport.poll([]) == []
    assert transport.link is Link.CONNECTED


async def test_a_peer_that_freezes_while_we_connect_is_given_up_on(
    sshd: Sshd, ssh_transport: Make, cut_proxy: CutProxy
) -> None:
    cut_proxy.freeze()
    transport = ssh_transport(sshd.site(via=cut_proxy), tuning=Tuning(connect_s=0.5))
    with pytest.raises(NeverSent, match="did not answer within"):
        await transport.poll([])
    assert transport.link is Link.WAITING


async def test_many_questions_at_once_share_one_connection_and_all_are_answered(
    sshd: Sshd, ssh_transport: Make, cut_proxy: CutProxy
) -> None:
    transport = ssh_transport(sshd.site(via=cut_proxy))
    answers = await asyncio.gather(*(transport.poll([RunAsk(f"bmany{i}")]) for i in range(20)))
    assert [news.token for (news,) in answers] == [f"bmany{i}" for i in range(20)]
    assert cut_proxy.connections == 1


async def test_a_server_with_few_sessions_is_asked_more_slowly(
    sshd: Sshd, ssh_transport: Make, cut_proxy: CutProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[NotStarted] = []
    started = commands.run_command

    async def counting(*arguments: Any) -> None:
        try:
            await started(*arguments)
        except NotStarted as error:
            refused.append(error)
            raise

    monkeypatch.setattr(commands, "run_command", counting)
    sshd.stop()
    sshd.start("MaxSessions 1")
    transport = ssh_transport(sshd.site(via=cut_proxy))
    answers = await asyncio.gather(*(transport.poll([]) for _ in range(8)))
    assert answers == [[]] * 8
    assert refused and all(error.again for error in refused)
    assert transport.link is Link.CONNECTED
    assert cut_proxy.connections == 1


async def test_a_question_that_found_no_free_session_was_never_sent(
    sshd: Sshd, ssh_transport: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "REFUSED_FOR_S", 0.3)
    sshd.stop()
    sshd.start("MaxSessions 1")
    transport = ssh_transport(sshd.site())
    await transport.place()
    _add_function(transport, sshd, "import time; open(root + '/begun', 'w').close(); time.sleep(1.5)")
    asking = asyncio.create_task(transport.call("extra"))
    await _until((sshd.home / "site" / "begun").exists)
    with pytest.raises(NeverSent, match="takes no command"):
        await transport.poll([])
    assert transport.link is Link.CONNECTED
    await asking


async def test_a_question_nobody_waits_for_any_more_frees_its_place(sshd: Sshd, ssh_transport: Make) -> None:
    transport = ssh_transport(sshd.site())
    await transport.place()
    _add_function(transport, sshd, "import time; open(root + '/begun', 'w').close(); time.sleep(20)")
    begun = sshd.home / "site" / "begun"
    for _ in range(6):
        asking = asyncio.create_task(transport.call("extra"))
        await _until(begun.exists)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        begun.unlink()
    assert await asyncio.wait_for(transport.poll([]), 10) == []
    assert transport.link is Link.CONNECTED


async def test_closing_ends_what_is_under_way(sshd: Sshd, ssh_transport: Make, cut_proxy: CutProxy) -> None:
    transport = ssh_transport(sshd.site(via=cut_proxy))
    await transport.place()
    cut_proxy.freeze()
    asking = asyncio.create_task(transport.poll([]))
    await asyncio.sleep(0)
    await transport.close()
    assert transport.link is Link.CLOSED
    with pytest.raises(TransportLost):
        await asking


async def test_an_answer_is_never_longer_than_one_can_be(
    sshd: Sshd, ssh_transport: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "POLL_BYTES", 1000)
    transport = ssh_transport(sshd.site())
    files = {"journal-0000000000000000.jsonl": b"j" * 700, "results-0000000000000000.jsonl": b"r" * 700}
    await transport.stage({"runs/blong1": files, "runs/blong2": files})
    asks = [RunAsk("blong1"), RunAsk("blong2")]
    offsets: dict[str, dict[str, int]] = {ask.token: {} for ask in asks}
    for _ in range(4):
        news = await transport.poll([RunAsk(ask.token, offsets[ask.token]) for ask in asks])
        sizes = [len(file.data) for run in news for file in run.files]
        assert sum(sizes) <= 1000
        for run in news:
            for file in run.files:
                offsets[run.token][file.name] = file.offset + len(file.data)
    assert all(size == 700 for run in offsets.values() for size in run.values())


async def test_a_folder_staged_by_many_files_with_hostile_names_is_whole(
    sshd: Sshd, ssh_transport: Make
) -> None:
    names = [
        "a b",
        "'",
        '"',
        "$(touch oops)",
        "-rf",
        "ا" * 90,
        "line\nbreak",
        "\x1b[2J",
        "d/-/..x",
        "~",
        "%s",
    ]
    files = {name: name.encode() for name in names}
    transport = ssh_transport(sshd.site())
    await transport.stage({"runs/bname1": files})
    run = sshd.home / "site" / "runs" / "bname1"
    assert {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()} == set(names)
    assert not list(sshd.home.rglob("oops"))
    await transport.stage({"runs/bname1": files})
    with pytest.raises(SiteError, match="with another ~"):
        await transport.stage({"runs/bname1": {**files, "~": b"changed"}})
    for bad in ("../x", "/etc/x", "a/../../x", "", "a//b", "nul\0"):
        with pytest.raises(SiteError):
            await transport.stage({"runs/bname2": {bad: b""}})
    assert [path.name for path in run.parent.iterdir()] == ["bname1"]


async def test_every_command_is_logged_and_no_bytes_of_what_was_sent(
    sshd: Sshd, ssh_transport: Make, tmp_path: Path
) -> None:
    transport = ssh_transport(sshd.site())
    await transport.stage({"runs/blog1": {"a": b"SECRETBYTES"}})
    with pytest.raises(SiteError):
        await transport.call("remove_run", "bnone1aaa")
    sshd.stop()
    await _until(lambda: transport.link is Link.WAITING)
    log = transport.commands._log.newest(10)
    assert [command.command for command in log] == [
        "connect",
        "look around",
        "install helper",
        "stage_folders {1}",
        "remove_run bnone1aaa",
        "connection lost",
    ]
    assert "no manifest" in log[4].problem
    assert log[3].sent_bytes > 100
    assert b"SECRET" not in (tmp_path / "commands.jsonl").read_bytes()
