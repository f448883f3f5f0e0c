"""What a wrong bocr.toml is answered with: the key, the problem, the nearest thing there is."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_tui.cli.toml import to_toml
from bocr_tui.config.errors import ConfigError
from bocr_tui.config.model import Config, config_schema, parse_config

WRONG = {
    '[sites.a.pbs]\nwall_time = "1"': "no setting sites.a.pbs.wall_time. Did you mean walltime?",
    '[sites.a.environments.chandra]\nactivat = ["x"]': "environments.chandra.activat. Did you mean activate?",
    '[sites.a.environments.chandra.pbs]\nquue = "x"': "chandra.pbs.quue. Did you mean queue?",
    '[sites.a.split.pbs]\nselec = "x"': "sites.a.split.pbs.selec. Did you mean select?",
    '[[pipeline]]\nenginee = "x"': "pipeline.1.enginee. Did you mean engine?",
    '[sites.a]\nqueue = "x"': "no setting sites.a.queue. It belongs into [sites.a.pbs].",
    '[sites.a]\ntransport = "shs"': "'shs' is none of local, ssh. Did you mean ssh?",
    '[sites.a]\ntransport = "ssh"': "sites.a: an ssh site needs host",
    '[sites.a.pbs]\nwalltime = "1h"': "'1h' does not have the form that is asked for, such as 23:30:00",
    "[sites.a]\nmax_queued = 0": "sites.a.max_queued: must be at least 1.",
    '[sites.a]\nsetup = "module load"': "sites.a.setup: must be a list",
    '[sites.a]\nsetup = ["a", "b\\nc"]': "sites.a.setup.2: a line for the shell is one line",
    '[sites.a.split.environment]\nactivate = ["b\\nc"]': "activate.1: a line for the shell is one line",
    '[sites."a b"]': "'a b' is no name for a site",
    "[sites.a]\nsplit = 3": "sites.a.split: must be a table.",
    'pipeline = ["a", 3]': "pipeline.2: must be a text",
    "[nothing_like_it]": "there is no setting nothing_like_it. See docs/configuration.md.",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_setting_is_named_with_what_was_likely_meant(text: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(WRONG[text])):
        parse_config(text, "bocr.toml")


@pytest.mark.parametrize(
    "line",
    [
        "-V",
        "-l select=1",
        "-l walltime=1:0:0",
        "-o /x",
        "-W umask=022",
        "-W sandbox=PRIVATE",
        "-p 1\n",
        "-N x",
    ],
)
def test_directives_that_would_change_the_job_are_refused(line: str) -> None:
    with pytest.raises(ConfigError, match="is none of: -l NAME=VALUE"):
        parse_config(f"[sites.a.pbs]\ndirectives = [{json.dumps(line)}]", "bocr.toml")


@pytest.mark.parametrize("line", ["-l place=excl", "-p -10", "-m abe", "-M me@site.org", "-W group_list=ocr"])
def test_directives_that_only_ask_for_something_are_taken(line: str) -> None:
    config = parse_config(f"[sites.a.pbs]\ndirectives = [{json.dumps(line)}]", "bocr.toml")
    assert config.sites["a"].pbs.directives == (line,)


@pytest.mark.parametrize("key", ["queue", "account", "project", "select", "walltime"])
@pytest.mark.parametrize("value", ["a\n#PBS -W x", "a b", "$(id)", "-x", "a,b", "é"])
def test_nothing_but_plain_words_reaches_a_directive(key: str, value: str) -> None:
    if (key, value) == ("select", "-x"):
        pytest.skip("stands behind -l select=")
    with pytest.raises(ConfigError):
        parse_config(f"[sites.a.pbs]\n{key} = {json.dumps(value)}", "bocr.toml")


@pytest.mark.parametrize("host", ["-oProxyCommand=id", "a b", "a;b", "a\nb"])
def test_a_host_is_a_name_and_no_option(host: str) -> None:
    with pytest.raises(ConfigError):
        parse_config(f'[sites.a]\ntransport = "ssh"\nhost = {json.dumps(host)}', "bocr.toml")


def test_this_machine_stays_a_site_beside_others() -> None:
    assert list(parse_config('[sites.a]\ntransport = "ssh"\nhost = "x"', "bocr.toml").sites) == ["local", "a"]
    assert parse_config("[sites.local]\ncores = 3", "bocr.toml").sites["local"].cores == 3


FULL = """
site = "inpt"
pipeline = ["rapidocr", { engine = "tesseract", options = { psm = 6 } }]
[sites.inpt]
transport = "ssh"
scheduler = "pbs"
host = "inpt"
root = "~/bocr"
setup = ["module use /app/common/modules", 'echo "quoted \\\\ $HOME" # é']
max_queued = 4
documents = "in_place"
[sites.inpt.pbs]
queue = "gpu_1d"
select = "1:ncpus=20:mem=180gb:ngpus=1"
walltime = "23:30:00"
directives = ["-l place=excl"]
[sites.inpt.environments.chandra]
activate = ["source activate khalil_vllm"]
model = "~/models/chandra"
[sites.inpt.environments.chandra.pbs]
queue = "gpu_3d"
[sites.inpt.split]
dpi = 300
"""


def test_what_is_in_force_reads_back_as_the_same() -> None:
    config = parse_config(FULL, "bocr.toml")
    assert parse_config(to_toml(config.model_dump(mode="json")), "again") == config
    assert parse_config(to_toml(Config().model_dump(mode="json")), "again") == Config()


_TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\n\r\0"), max_size=20)


@given(setup=st.lists(_TEXT, max_size=3), model=_TEXT)
def test_any_line_for_the_shell_reads_back_as_it_was(setup: list[str], model: str) -> None:
    record = {"sites": {"a": {"setup": setup, "environments": {"chandra": {"model": model}}}}}
    config = parse_config(to_toml(record), "bocr.toml")
    assert config.sites["a"].setup == tuple(setup)
    assert config.sites["a"].environments["chandra"].model == model


def test_the_schema_describes_every_setting_and_its_references_resolve() -> None:
    schema = config_schema()
    json.dumps(schema)
    assert schema["$schema"].startswith("https://json-schema.org/")
    for reference in re.findall(r'"\$ref": "#/\$defs/(\w+)"', json.dumps(schema)):
        assert reference in schema["$defs"]
    for table in (schema, *(one for one in schema["$defs"].values() if "properties" in one)):
        assert table["additionalProperties"] is False
    assert _described(schema["$defs"]["SiteConfig"], "setup").startswith("Shell lines")
    assert schema["$defs"]["SiteConfig"]["properties"]["transport"]["enum"] == ["local", "ssh"]


def _described(table: dict[str, Any], key: str) -> str:
    described = table["properties"][key]["description"]
    assert isinstance(described, str)
    return described
