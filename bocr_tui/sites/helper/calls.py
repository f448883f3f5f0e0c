"""Which functions may be called from outside, by name, and where they are.

Their modules are loaded when they are first asked for: on a login node each question is a process of its own,
and should cost no more than it needs.
"""

import importlib
from typing import Any, Callable, Dict

PLACES = {
    function: module
    for module, functions in {
        "cleaning": ("list_splits", "measure_things", "needed_elsewhere", "remove_things"),
        "direct": ("look_direct", "start_direct", "stop_direct"),
        "documents": ("have_documents",),
        "drawing": ("draw_page",),
        "drivers": ("drive_catalog", "leave_catalog"),
        "environments": ("look_prepared", "probe_environment", "remember_environment"),
        "folders": ("mend_folder",),
        "login": ("login_facts",),
        "pbs": ("hold_pbs", "release_pbs", "stop_pbs", "submit_pbs"),
        "pbs_look": ("look_pbs", "server_pbs"),
        "runs": ("poll_runs", "remove_run"),
        "scan": ("find_path", "follow_scan", "gone_files", "remove_scan", "start_scan"),
        "staging": ("stage_folders",),
        "uploads": ("upload_state", "receive_file", "receive_files"),
        "wheels": ("discard_wheels", "download_wheels", "unpack_wheels"),
    }.items()
    for function in functions
}
"""The module of each function."""

STREAMS = ("receive_file", "receive_files")
"""These read what follows the question: the stream is their second argument."""


class _Functions(Dict[str, Callable[..., Any]]):
    def __missing__(self, name: str) -> Callable[..., Any]:
        """Raises KeyError for a name that is none, ImportError where its module does not load."""
        function = getattr(importlib.import_module("." + PLACES[name], __package__), name)
        self[name] = function
        return function  # type: ignore[no-any-return]


FUNCTIONS: Dict[str, Callable[..., Any]] = _Functions()
