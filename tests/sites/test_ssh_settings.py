"""What ~/.ssh/config says, read as OpenSSH reads it."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from bocr_tui.config.errors import ConfigError
from bocr_tui.config.model import SiteConfig
from bocr_tui.sites.asking import ask_nobody
from bocr_tui.sites.transport.base import Link, NeedsPerson
from bocr_tui.sites.transport.ssh.host_keys import known_names
from bocr_tui.sites.transport.ssh.settings import HostSettings, Target, parse_target, read_settings
from bocr_tui.sites.transport.ssh.transport import SshTransport
from bocr_tui.sites.transport.ssh.words import plain_lines, plain_words


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("inpt", Target("inpt")),
        ("me@inpt", Target("inpt", "me")),
        ("me@inpt.example:2222", Target("inpt.example", "me", 2222)),
        ("ssh://me@inpt:22/", Target("inpt", "me", 22)),
        ("fe80::1%eth0", Target("fe80::1%eth0")),
        ("[2001:db8::1]:2222", Target("2001:db8::1", "", 2222)),
        ("a@b@host", Target("host", "a@b")),
    ],
)
def test_a_host_is_named_as_ssh_takes_it(text: str, target: Target) -> None:
    assert parse_target(text) == target


def test_a_host_that_is_none_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sites\.far\.host"):
        config = SiteConfig(transport="ssh", host="inpt:ssh")
        SshTransport("far", config, ask_nobody, tmp_path / "log")


def test_nothing_happens_before_the_first_question(tmp_path: Path) -> None:
    transport = SshTransport(
        "far", SiteConfig(transport="ssh", host="inpt"), ask_nobody, tmp_path / "log", folder=tmp_path
    )
    assert transport.link is Link.CLOSED
    assert not list(tmp_path.iterdir())


def _read(folder: Path, config: str, target: Target | None = None) -> HostSettings:
    (folder / "config").write_text(config)
    return read_settings(target or Target("inpt"), folder)


def test_defaults_are_those_of_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    settings = _read(tmp_path, "")
    assert (settings.host, settings.port, settings.user) == ("inpt", 22, getpass.getuser())
    assert settings.known_hosts[0] == tmp_path / "known_hosts"
    assert Path("/etc/ssh/ssh_known_hosts") in settings.known_hosts
    assert settings.identities[0] == tmp_path / "id_ed25519"
    assert (settings.jumps, settings.proxy_command, settings.agent) == ((), "", "/run/agent")


def test_what_is_configured_is_taken_and_what_the_site_says_is_stronger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_AGENT", "/run/other")
    config = """
        Host inpt
          HostName login.inpt.example
          User khalil
          Port 2200
          HostKeyAlias the-cluster
          UserKnownHostsFile ~/known-%h-%r-%p%% /second
          GlobalKnownHostsFile /all
          ProxyJump gate,me@second:2222
          IdentityFile ~/keys/%r
          IdentityAgent $OTHER_AGENT
          IdentitiesOnly yes
          Ciphers aes256-ctr
    """
    settings = _read(tmp_path, config)
    assert (settings.host, settings.port, settings.user) == ("login.inpt.example", 2200, "khalil")
    home = Path.home()
    assert settings.known_hosts == (
        home / "known-login.inpt.example-khalil-2200%",
        Path("/second"),
        Path("/all"),
    )
    assert settings.jumps == (Target("gate"), Target("second", "me", 2222))
    assert settings.identities == (home / "keys" / "khalil",)
    assert (settings.agent, settings.identities_only, settings.ciphers_chosen) == ("/run/other", True, True)
    said = _read(tmp_path, config, Target("inpt", "other", 22))
    assert (said.host, said.port, said.user) == ("login.inpt.example", 22, "other")
    assert said.identities == (home / "keys" / "other",)


def test_none_means_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    settings = _read(tmp_path, "Host *\n ProxyJump none\n ProxyCommand none\n IdentityAgent none\n")
    assert (settings.jumps, settings.proxy_command, settings.agent) == ((), "", "")


@pytest.mark.parametrize(
    "line",
    ["UserKnownHostsFile none", "UserKnownHostsFile /known-%x", "Port many", "Host 'inpt", "Ciphers none"],
)
def test_what_cannot_be_used_names_the_file(tmp_path: Path, line: str) -> None:
    with pytest.raises(NeedsPerson, match="config cannot be used for inpt"):
        _read(tmp_path, line)


def test_a_host_is_looked_up_by_the_names_openssh_uses() -> None:
    assert known_names("h", 22, "") == ("h",)
    assert known_names("h", 2222, "") == ("[h]:2222", "h")
    assert known_names("h", 2222, "alias") == ("alias",)


def test_words_of_a_host_are_one_printable_line() -> None:
    assert plain_words(b"a\x00b\x1b[2J\r\nc\xff\xe2\x80\xae") == "a b [2J c�"
    assert len(plain_words("x" * 10_000)) == 400
    assert plain_lines("one\x07\ntwo\u202e\n\n") == "one\ntwo"
