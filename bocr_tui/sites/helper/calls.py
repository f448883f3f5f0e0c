"""Which functions may be called from outside, by name."""

from typing import Any, Callable, Dict

from .cleaning import list_splits, measure_things, remove_things
from .direct import look_direct, start_direct, stop_direct
from .documents import have_documents
from .drawing import draw_page
from .drivers import drive_catalog, leave_catalog
from .environments import look_prepared, probe_environment, remember_environment
from .folders import mend_folder
from .login import login_facts
from .pbs import hold_pbs, release_pbs, stop_pbs, submit_pbs
from .pbs_look import look_pbs, server_pbs
from .runs import poll_runs, remove_run
from .scan import find_path, follow_scan, gone_files, remove_scan, start_scan
from .staging import stage_folders
from .uploads import upload_state
from .wheels import discard_wheels, download_wheels, unpack_wheels

FUNCTIONS: Dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        poll_runs,
        stage_folders,
        upload_state,
        remove_run,
        start_direct,
        look_direct,
        stop_direct,
        submit_pbs,
        look_pbs,
        stop_pbs,
        hold_pbs,
        release_pbs,
        server_pbs,
        have_documents,
        draw_page,
        measure_things,
        list_splits,
        remove_things,
        find_path,
        start_scan,
        follow_scan,
        gone_files,
        remove_scan,
        drive_catalog,
        leave_catalog,
        login_facts,
        look_prepared,
        probe_environment,
        remember_environment,
        mend_folder,
        unpack_wheels,
        download_wheels,
        discard_wheels,
    )
}
