"""Job scripts from templates: the package's, overridable by the workspace's `job_templates` folder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from bocr_tui.config.errors import ConfigError
from bocr_tui.config.resources import resource

if TYPE_CHECKING:
    from jinja2 import Environment


def render_template(name: str, overrides: Sequence[Path], **values: object) -> bytes:
    """Values are already quoted for the shell by whoever knows what they are; a value that the template
    names and nobody gave is an error. Raises ConfigError."""
    from jinja2 import TemplateError

    folders = tuple(str(folder) for folder in (*overrides, resource("job_templates")) if folder.is_dir())
    try:
        return _environment(folders).get_template(name).render(**values).encode()
    except TemplateError as error:
        raise ConfigError(
            f"The job template {name} cannot be used: {error}.", "Mend or remove it."
        ) from error


@lru_cache(maxsize=16)
def _environment(folders: tuple[str, ...]) -> Environment:
    """Compiling a template takes longer than rendering it a hundred times; a changed file is read again."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(  # noqa: S701 - shell scripts, not HTML
        loader=FileSystemLoader(folders), undefined=StrictUndefined, keep_trailing_newline=True
    )
