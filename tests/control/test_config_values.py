"""Values in bocr.toml that parse and yet cannot be meant."""

from __future__ import annotations

import pytest

from bocr_tui.config.errors import ConfigError
from bocr_tui.config.model import parse_config


@pytest.mark.parametrize("value", ["2026-01-01", "nan", "inf", "[1979-05-27T07:32:00Z]"])
def test_options_that_cannot_be_sent_to_a_worker_are_refused(value: str) -> None:
    with pytest.raises(ConfigError, match="cannot be sent"):
        parse_config(f'pipeline = [{{ engine = "noop", options = {{ a = {value} }} }}]', "bocr.toml")


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(ConfigError):
        parse_config("a = " + "[" * 3000, "bocr.toml")


def test_an_unknown_key_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="Did you mean languages"):
        parse_config('langages = ["fr"]', "bocr.toml")
