"""Every recorded answer of a real PBS, read to what it means. The tables were written by hand from what the
scenarios are about; the code does not fill them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bocr_tui.catalog.words import JobCause
from bocr_tui.sites.helper import pbs_codes, pbs_qsub
from bocr_tui.sites.helper.pbs_commands import Ended, Pbs
from bocr_tui.sites.helper.pbs_submit import Submitter
from bocr_tui.sites.scheduler.base import JobView
from bocr_tui.sites.scheduler.pbs.answers import Answer, Said, look_of
from bocr_tui.sites.scheduler.pbs.states import view_of
from bocr_tui.sites.scheduler.pbs.text import parse_things
from tests.sites.pbs_recordings import Recording, as_text, recording, recordings

Expected = tuple[str, str | None, int | None] | None

RUNNING: Expected = ("running", None, None)
QUEUED: Expected = ("queued", None, None)
HELD: Expected = ("held", None, None)
UNKNOWN: Expected = ("unknown", None, None)
NEVER_RAN: Expected = ("ended", "never_ran", None)
OVER: Expected = ("ended", None, None)
"""PBS says that it has finished, and not how."""
OK: Expected = ("ended", "ok", 0)
NOTHING: Expected = None


def deleted(status: int | None = None) -> Expected:
    return ("ended", "deleted", status)


def failed(status: int) -> Expected:
    return ("ended", "error", status)


WALLTIME: Expected = ("ended", "walltime", -29)
MEMORY: Expected = ("ended", "memory", -27)
NODE: Expected = ("ended", "node", -20)

ONE_JOB: dict[str, Expected] = {
    # Scripts and commands that got signals.
    "job_signals_command_job_qdel_flushes_3s_exits_0": deleted(0),
    "job_signals_command_job_qdel_flushes_3s_exits_9": deleted(9),
    "job_signals_command_job_qdel_ignores_term": deleted(265),
    "job_signals_command_job_walltime_flushes_3s_exits_9": WALLTIME,
    "job_signals_kill_delay40_qdel": deleted(271),
    "job_signals_kill_delay40_walltime": WALLTIME,
    "job_signals_qdel_child_flushes_3s": deleted(271),
    "job_signals_qdel_exec_worker_flushes_3s": deleted(271),
    "job_signals_qdel_script_and_worker_trap": deleted(271),
    "job_signals_qdel_worker_ignores_term": deleted(271),
    "job_signals_qsig_term_worker_traps": failed(271),
    "job_signals_qsig_usr1_S_sh": failed(266),
    "job_signals_qsig_usr1_command_job": OK,
    "job_signals_qsig_usr1_worker_traps": failed(266),
    "job_signals_walltime_130s_worker_ignores_term": WALLTIME,
    "job_signals_walltime_worker_flushes_3s": WALLTIME,
    "job_signals_walltime_worker_ignores_term": WALLTIME,
    # A node that dies and comes back.
    "node_back_qstat_x_f_json_job": RUNNING,
    "node_down_qstat_f_json_new_job": QUEUED,
    "node_down_qstat_x_f_json_after_qdel": NODE,
    "node_down_qstat_x_f_json_not_rerunable_state_F": NODE,
    "node_down_qstat_x_f_json_not_rerunable_state_R": RUNNING,
    "node_down_qstat_x_f_json_rerunable_state_Q": QUEUED,
    "node_down_qstat_x_f_json_rerunable_state_R": RUNNING,
    # Living jobs.
    "qstat_f_json_after_qalter_qmove": QUEUED,
    "qstat_f_json_exiting": RUNNING,
    "qstat_f_json_held_by_qhold": HELD,
    "qstat_f_json_held_dependency": HELD,
    "qstat_f_json_held_direct_write_dir_missing": HELD,
    "qstat_f_json_held_user": HELD,
    "qstat_f_json_id_without_server": RUNNING,
    "qstat_f_json_queued_immediately": QUEUED,
    "qstat_f_json_queued_never_runs": QUEUED,
    "qstat_f_json_queued_queue_stopped": QUEUED,
    "qstat_f_json_queued_with_comment": QUEUED,
    "qstat_f_json_requeued_running_again": RUNNING,
    "qstat_f_json_running": RUNNING,
    "qstat_f_json_running_after_qhold": RUNNING,
    "qstat_f_json_running_k_oe": RUNNING,
    "qstat_f_json_running_k_oed": RUNNING,
    "qstat_f_json_running_k_oed_missing": HELD,
    "qstat_f_json_running_k_oed_o": RUNNING,
    "qstat_f_json_running_k_oed_odir": RUNNING,
    "qstat_f_json_suspended": RUNNING,
    "qstat_f_json_tz_America_New_York": HELD,
    "qstat_f_json_tz_Asia_Tokyo": HELD,
    "qstat_f_json_tz_UTC": HELD,
    "qstat_f_json_waiting": QUEUED,
    "qstat_f_text_running": RUNNING,
    "qstat_f_w_text_running": RUNNING,
    "qstat_x_f_json_finished_while_server_down_substate41": QUEUED,
    "qstat_x_f_json_requeued_then_held": HELD,
    # Somebody else's job: ours of that number is gone.
    "qstat_f_text_foreign_job": UNKNOWN,
    # Arrays.
    "qstat_f_json_array_parent": RUNNING,
    "qstat_f_json_array_parent_max_run": QUEUED,
    "qstat_f_json_array_subjob": RUNNING,
    "qstat_f_text_array_parent_max_run": QUEUED,
    "qstat_x_f_json_array_finished": failed(0),
    "qstat_x_f_json_array_subjob_exit3": failed(3),
    # Dependencies.
    "qstat_x_f_json_afterok_parent_deleted": NEVER_RAN,
    "qstat_x_f_json_depend_after_parent_bad": OK,
    "qstat_x_f_json_depend_after_parent_ok": OK,
    "qstat_x_f_json_depend_afterany_on_finished_bad": OK,
    "qstat_x_f_json_depend_afterany_on_finished_ok": OK,
    "qstat_x_f_json_depend_afterany_parent_bad": OK,
    "qstat_x_f_json_depend_afterany_parent_ok": OK,
    "qstat_x_f_json_depend_afternotok_on_finished_bad": OK,
    "qstat_x_f_json_depend_afternotok_on_finished_ok": NEVER_RAN,
    "qstat_x_f_json_depend_afternotok_parent_bad": OK,
    "qstat_x_f_json_depend_afternotok_parent_ok": NEVER_RAN,
    "qstat_x_f_json_depend_afterok_on_finished_bad": NEVER_RAN,
    "qstat_x_f_json_depend_afterok_on_finished_ok": OK,
    "qstat_x_f_json_depend_afterok_parent_bad": NEVER_RAN,
    "qstat_x_f_json_depend_afterok_parent_chain": NEVER_RAN,
    "qstat_x_f_json_depend_afterok_parent_ok": OK,
    "qstat_x_f_json_depend_afterok_parent_two": NEVER_RAN,
    "qstat_x_f_json_depend_unknown_id": NEVER_RAN,
    "qstat_x_f_json_parent_exit3": failed(3),
    # Ends.
    "qstat_x_f_json_bad_interpreter": failed(127),
    "qstat_x_f_json_bad_shell_S": failed(254),
    "qstat_x_f_json_child_segfault": failed(139),
    "qstat_x_f_json_command_job_arguments": OK,
    "qstat_x_f_json_command_job_environment": OK,
    "qstat_x_f_json_command_job_missing_command": failed(254),
    "qstat_x_f_json_crlf_script": failed(127),
    "qstat_x_f_json_crlf_script_no_directives": failed(127),
    "qstat_x_f_json_crlf_script_queue_directive": failed(127),
    "qstat_x_f_json_cwd_with_comma": OK,
    "qstat_x_f_json_cwd_with_quote": OK,
    "qstat_x_f_json_cwd_with_space": OK,
    "qstat_x_f_json_cwd_with_unicode": OK,
    "qstat_x_f_json_deleted_before_start": deleted(),
    "qstat_x_f_json_deleted_running": deleted(271),
    "qstat_x_f_json_deleted_suspended": deleted(265),
    "qstat_x_f_json_exec_segfault": failed(139),
    "qstat_x_f_json_finished_exit0": OK,
    "qstat_x_f_json_finished_exit143": failed(143),
    "qstat_x_f_json_finished_exit255": failed(255),
    "qstat_x_f_json_finished_exit3": failed(3),
    "qstat_x_f_json_finished_while_server_down": failed(4),
    "qstat_x_f_json_memory_killed_jobwide": MEMORY,
    "qstat_x_f_json_memory_killed_select": MEMORY,
    "qstat_x_f_json_o_path_colon": OK,
    "qstat_x_f_json_o_path_comma": OK,
    "qstat_x_f_json_o_path_jobid_caret": OK,
    "qstat_x_f_json_o_path_jobid_var": OK,
    "qstat_x_f_json_o_path_relative": OK,
    "qstat_x_f_json_o_path_space": OK,
    "qstat_x_f_json_o_path_tilde": OK,
    "qstat_x_f_json_output_dir_missing": OK,
    "qstat_x_f_json_requeued_finished": failed(5),
    "qstat_x_f_json_script_killed_by_own_sigkill": failed(137),
    "qstat_x_f_json_walltime_killed": WALLTIME,
    "qstat_x_f_json_walltime_killed_trap_exits_0": WALLTIME,
    "qstat_x_f_json_walltime_killed_trap_ignores": WALLTIME,
    # Ids that PBS does not show.
    "history_off_qstat_f_json_depend_on_finished": UNKNOWN,
    "history_off_qstat_f_json_dependent_of_failed": UNKNOWN,
    "history_off_qstat_f_json_finished": UNKNOWN,
    "qstat_after_qdel_same_id_twice": OVER,
    "qstat_depend_unknown_id_default": OVER,
    "qstat_f_json_array_id_without_brackets": UNKNOWN,
    "qstat_f_json_array_subjob_out_of_range": UNKNOWN,
    "qstat_f_json_depend_unknown_id_no_x": OVER,
    "qstat_f_json_unknown_id": UNKNOWN,
    "qstat_unknown_id_table": UNKNOWN,
    "qstat_x_f_json_after_qdel_x": UNKNOWN,
    "qstat_x_f_json_unknown_id": UNKNOWN,
    # Operands that are no id of a job, and forms that are not asked for.
    "qstat_f_json_empty_id": NOTHING,
    "qstat_f_json_queue_name_operand": NOTHING,
    "qstat_f_dsv_running": NOTHING,
    "qstat_f_dsv_delim_running": NOTHING,
    "qstat_x_t_array_table": NOTHING,
}

SEVERAL: dict[tuple[str, str], list[Expected]] = {
    ("release", "qstat_f_json_two_ids"): [RUNNING, QUEUED],
    ("master", "qstat_f_json_two_ids"): [RUNNING, NOTHING],
    ("master", "qstat_f_json_three_ids"): [HELD, NOTHING, NOTHING],
    ("release", "qstat_f_json_ids_one_unknown"): [RUNNING, UNKNOWN, QUEUED],
    ("master", "qstat_f_json_ids_one_unknown"): [RUNNING, UNKNOWN, NOTHING],
    ("release", "qstat_f_json_ids_unknown_first"): [UNKNOWN, RUNNING],
    ("master", "qstat_f_json_ids_unknown_first"): [UNKNOWN, RUNNING],
    ("release", "qstat_f_json_ids_one_finished_no_x"): [OVER, RUNNING],
    ("master", "qstat_f_json_ids_one_finished_no_x"): [OVER, RUNNING],
    ("release", "qstat_x_f_json_finished_and_running"): [OK, RUNNING],
    ("master", "qstat_x_f_json_finished_and_running"): [OK, NOTHING],
    ("master", "qstat_f_text_ids_one_unknown"): [HELD, UNKNOWN, HELD, HELD],
    ("master", "qstat_f_dsv_ids_one_unknown"): [NOTHING, UNKNOWN, NOTHING, NOTHING],
}
"""By operand. The newest build's JSON names only the first of several, which says nothing of the others."""

LISTINGS: dict[str, list[str]] = {
    "qstat_f_json_several_jobs": ["running", "queued", "held", "queued", "held", "queued", "queued"],
    "qstat_f_json_all_with_foreign_unicode_job": ["held", "held"],
    "qstat_f_json_no_jobs": [],
}

ARRAYS: dict[str, list[str]] = {
    "qstat_t_f_json_array_all": ["running"] * 9 + ["queued"] * 2,
    "qstat_t_f_json_array_max_run_all": ["queued"] * 11,
    "qstat_t_f_json_array_subjob_deleted": ["running"] * 5 + ["ended"] + ["running"] * 4 + ["queued"],
    "qstat_x_t_f_json_array_deleted": ["ended"] * 11,
    "qstat_x_t_f_json_array_finished": ["ended"] * 11,
    "qstat_x_t_f_json_array_o_path_caret": ["ended"] * 3,
    "qstat_x_t_f_json_array_o_path_dir": ["ended"] * 3,
    "qstat_x_t_f_json_array_o_path_plain": ["ended"] * 3,
}

NO_ANSWERS = {
    "history_off_qstat_x",
    "history_off_qstat_x_f_json",
    "history_off_qstat_x_f_json_finished",
    "pbs_conf_missing_qstat",
    "qstat_f_json_id_other_server",
    "qstat_f_json_malformed_id",
    "qstat_f_json_three_ids_reserved_ports_exhausted",
    "qstat_f_json_word",
    "qstat_json_without_f",
    "server_down_qstat",
    "server_down_qstat_f_json",
    "server_down_qstat_f_json_two_ids",
    "server_down_qstat_x_f_json_id",
    "server_hung_qstat",
    "server_name_no_name_qstat",
    "server_name_unresolvable_qstat",
    "server_not_pbs_qstat",
}
"""Nothing may follow from these, whatever they print."""

OTHER_QUESTIONS = (
    "qstat_B",
    "qstat_Q",
    "qstat_q",
    "server_down_qstat_B",
    "server_down_qstat_Q",
    "qstat_version",
)
TABLES = {
    "qstat_a_table",
    "qstat_array_table",
    "qstat_default_table",
    "qstat_f_json_with_u",
    "qstat_no_jobs",
    "qstat_s_table",
    "qstat_t_array_table",
    "qstat_u_table",
}
"""For people's eyes; never asked for."""


def qstats() -> list[Recording]:
    return [
        one
        for one in recordings()
        if one.command == "qstat" and not one.name.startswith(OTHER_QUESTIONS) and one.name not in TABLES
    ]


def said(one: Recording) -> Said:
    status = None if one.never_answered else one.exit_status
    return Said(status, one.stderr, as_text(one.stdout))


def views(one: Recording, *, listing: bool = False) -> tuple[list[JobView | None], str]:
    """By operand, and the problem."""
    operands = one.operands or [""]
    jobs = {f"t{number}": job_id for number, job_id in enumerate(operands)}
    heard = said(one)
    answer = Answer("hpc", heard, None, ()) if listing else Answer("hpc", None, heard, tuple(operands))
    look = look_of(jobs, answer)
    return [look.views.get(token) for token in jobs], look.problem


def short(view: JobView | None) -> Expected:
    return None if view is None else (view.state, view.cause, view.exit_status)


@pytest.mark.parametrize("one", qstats(), ids=str)
def test_every_recorded_qstat_means_what_the_table_says(one: Recording) -> None:
    found, problem = views(one)
    shown = [short(view) for view in found]
    if one.name in NO_ANSWERS:
        assert problem and not any(shown)
        _, problem = views(one, listing=True)
        assert problem
        return
    assert not problem
    if one.name in LISTINGS or one.name in ARRAYS:
        things = parse_things(as_text(one.stdout))
        states = [view.state for view in (view_of(thing, final=True) for thing in things) if view]
        if (one.build, one.name) == ("release", "qstat_t_f_json_array_subjob_deleted"):
            assert states == ["running"] * 9 + ["queued"] * 2  # recorded before the qdel had its effect
        else:
            assert states == {**LISTINGS, **ARRAYS}[one.name]
    elif one.name.startswith(("qstat_f_json_special_", "qstat_f_text_special_")):
        assert shown == [HELD]
    elif (one.build, one.name) in SEVERAL:
        assert shown == SEVERAL[one.build, one.name]
    else:
        assert shown == [ONE_JOB[one.name]]


def test_the_tables_name_nothing_that_was_not_recorded() -> None:
    names = {one.name for one in qstats()}
    assert set(ONE_JOB) | set(LISTINGS) | set(ARRAYS) | NO_ANSWERS | {name for _, name in SEVERAL} <= names
    assert {one.name for one in recordings()} >= TABLES
    assert {expected[1] for expected in ONE_JOB.values() if expected} <= {None, *map(str, JobCause)}


@pytest.mark.parametrize("one", [one for one in qstats() if one.name in NO_ANSWERS], ids=str)
def test_an_unsound_answer_next_to_a_sound_listing_only_adds_nothing(one: Recording) -> None:
    waiting = recording("release", "qstat_f_json_waiting")
    jobs = {"living": "38.login1", **{f"t{n}": job_id for n, job_id in enumerate(one.operands)}}
    look = look_of(jobs, Answer("hpc", said(waiting), said(one), tuple(one.operands)))
    assert not look.problem
    assert {token: short(view) for token, view in look.views.items()} == {"living": QUEUED}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("qstat_f_json_queued_with_comment", "Not Running: Not enough free nodes available"),
        (
            "qstat_f_json_queued_never_runs",
            "Can Never Run: Insufficient amount of resource: ngpus (R: 8 A: 2 T: 2)",
        ),
        ("qstat_f_json_queued_queue_stopped", "Not Running: Queue not started."),
        ("qstat_f_json_held_user", "held by you"),
        ("qstat_f_json_held_direct_write_dir_missing", "job held, too many failed attempts to run"),
        ("qstat_f_json_waiting", "waits for its time"),
        ("qstat_f_json_suspended", "suspended by PBS"),
        ("qstat_f_json_exiting", "ending"),
        ("qstat_x_f_json_walltime_killed", "its time was up"),
        ("qstat_x_f_json_memory_killed_select", "it took more memory than it asked for"),
        ("qstat_x_f_json_afterok_parent_deleted", "what it waited for cannot happen any more"),
        ("qstat_x_f_json_bad_interpreter", "exit status 127: something in its script could not be started"),
        ("qstat_x_f_json_script_killed_by_own_sigkill", "exit status 137, so signal 9 ended something in it"),
        ("job_signals_qsig_usr1_worker_traps", "its shell was killed by signal 10"),
    ],
)
def test_a_person_reads_why(name: str, words: str) -> None:
    for one in recordings():
        if one.name == name:
            (view,), _ = views(one)
            assert view is not None and view.words == words


def test_a_dependency_says_what_it_waits_for() -> None:
    (view,), _ = views(recording("release", "qstat_f_json_held_dependency"))
    assert view is not None and view.words == "waits for job 32"


def test_a_listing_of_living_jobs_never_ends_one() -> None:
    for one in qstats():
        found, _ = views(one, listing=True)
        assert not [view for view in found if view and view.state in ("ended", "unknown")], one


def test_the_text_forms_and_json_say_the_same() -> None:
    """The converter that the tables rest on, against jobs that were recorded in both forms."""
    compared = 0
    for one in recordings():
        twin = one.name.replace("_json_", "_text_")
        pair = [other for other in recordings() if other.build == one.build and other.name == twin]
        if one.name == twin or not pair or len(one.operands) > 1:
            continue
        (other,) = pair
        (ours,), (theirs,) = parse_things(as_text(one.stdout)), parse_things(other.stdout)
        for name in ("Job_Name", "Job_Owner", "job_state", "substate", "Hold_Types", "queue", "comment"):
            assert ours.attributes.get(name) == theirs.attributes.get(name), (one, name)
        compared += 1
    assert compared > 60


REJECTED = {
    "qsub_W_max_run_subjobs_without_J",
    "qsub_array_list",
    "qsub_array_one_element",
    "qsub_array_over_max_size",
    "qsub_array_reversed",
    "qsub_array_single_number",
    "qsub_err_depend_malformed_id",
    "qsub_err_depend_unknown_type",
    "qsub_err_k_bad",
    "qsub_err_mem_bad_unit",
    "qsub_err_queue_acl_user",
    "qsub_err_queue_acl_user_gpu_as_other",
    "qsub_err_queue_disabled",
    "qsub_err_resource_bad_value",
    "qsub_err_script_missing",
    "qsub_err_select_and_nodes",
    "qsub_err_unknown_option",
    "qsub_err_unknown_option_in_directive",
    "qsub_err_unknown_queue",
    "qsub_err_unknown_resource",
    "qsub_err_unknown_resource_in_select",
    "qsub_err_walltime_bad_format",
    "qsub_err_walltime_negative",
    "qsub_err_walltime_over_queue_max",
    "qsub_name_231",
    "qsub_name_at",
    "qsub_name_backslash",
    "qsub_name_colon",
    "qsub_name_comma",
    "qsub_name_empty",
    "qsub_name_hash",
    "qsub_name_newline",
    "qsub_name_paren",
    "qsub_name_quote",
    "qsub_name_slash",
    "qsub_name_space",
    "qsub_name_space_in_directive",
    "qsub_name_unicode",
    "qsub_ngpus_undefined_on_server",
    "qsub_ngpus_undefined_on_server_old_style",
    "qsub_o_path_unicode",
    "qsub_script_named_240_chars",
    "qsub_script_named_comma",
    "qsub_script_named_unicode",
    "qsub_script_named_with_space",
    "qsub_special_P_quote",
    "qsub_special_o_unicode_space",
    "qsub_special_v_braces_json",
    "qsub_special_v_squote",
}
CRLF = {"qsub_crlf_script", "qsub_crlf_script_no_directives", "qsub_crlf_script_queue_directive"}
"""Refused by the newer build, taken by the release."""
LATER = {"qsub_err_max_queued_per_user"}
IN_DOUBT = {
    "server_down_qsub",
    "server_down_qsub_f",
    "server_down_qsub_within_a_minute_of_another_qsub",
    "server_hung_qsub",
    "server_name_no_name_qsub",
    "server_name_unresolvable_qsub",
}


def qsub_means(one: Recording) -> str:
    if one.name in REJECTED or (one.name in CRLF and one.build == "master"):
        return "rejected"
    if one.name in LATER:
        return "later"
    return "unclear" if one.name in IN_DOUBT else "accepted"


class _Replayed(pbs_qsub.Qsub):
    """A qsub that answers what was recorded."""

    def __init__(self, one: Recording) -> None:
        super().__init__(Pbs("/nowhere", ""), 60.0)
        self._said = Ended(None if one.never_answered else one.exit_status, one.stdout, one.stderr)

    def call(self, *arguments: object) -> Ended:
        return self._said


def test_every_recorded_qsub_is_taken_for_what_it_is(tmp_path: Path) -> None:
    for number, one in enumerate(one for one in recordings() if one.command == "qsub"):
        run = tmp_path / "runs" / f"t{number}"
        run.mkdir(parents=True)
        (run / "job.sh").write_text("")
        submitter = Submitter(str(tmp_path), Pbs("/nowhere", ""))
        submitter._qsub = _Replayed(one)
        answer = submitter.submit({"token": f"t{number}", "hold": False, "after": ""})
        assert answer["answer"] == qsub_means(one), one
        if answer["answer"] == "accepted":
            assert answer["id"] == one.stdout.decode().strip()
            assert (run / "jobid").read_text().strip() == answer["id"]
        else:
            assert answer["words"] and "\n" not in answer["words"], one
            assert "usage" not in answer["words"], one
            # Where PBS certainly has no job, the next asking may submit anew.
            assert (run / "intent").exists() == (answer["answer"] == "unclear"), one


ACTED = {
    "history_off_qdel_finished": "unknown",
    "node_down_qdel_running": "finished",
    "qdel_W_force_as_user": "ok",
    "qdel_array": "ok",
    "qdel_array_range": "ok",
    "qdel_array_subjob": "ok",
    "qdel_exiting": "not_now",
    "qdel_finished": "finished",
    "qdel_malformed": "refused",
    "qdel_no_operand": "refused",
    "qdel_not_owner": "refused",
    "qdel_queued": "ok",
    "qdel_queued_again": "finished",
    "qdel_requeued_job": "ok",
    "qdel_running": "ok",
    "qdel_running_again": "finished",
    "qdel_same_id_twice_queued": "ok",
    "qdel_same_id_twice_running": "ok",
    "qdel_several_one_unknown": "unknown",
    "qdel_suspended": "ok",
    "qdel_unknown": "unknown",
    "qdel_x_finished": "ok",
    "qhold_finished": "finished",
    "qhold_queued": "ok",
    "qhold_running": "ok",
    "qrls_dependency_held": "ok",
    "qrls_held": "ok",
    "qrls_submitted_with_h": "ok",
    "qrls_unknown": "unknown",
    "server_down_qdel": "unclear",
    "server_down_qhold": "unclear",
    "server_hung_qdel": "unclear",
    "server_name_no_name_qdel": "refused",
    "server_name_unresolvable_qdel": "unclear",
}


def test_every_recorded_qdel_qhold_and_qrls_is_taken_for_what_it_is() -> None:
    found = {}
    for one in recordings():
        if one.command in ("qdel", "qhold", "qrls"):
            status = None if one.never_answered else one.exit_status
            found[one.name] = pbs_codes.meaning(one.command, status)
            assert found[one.name] == ACTED[one.name], one
    assert found.keys() == ACTED.keys()


FOUND: dict[tuple[str, str], list[str] | None] = {
    ("release", "history_off_qselect_x"): None,
    ("release", "qselect_N"): ["33.login1"],
    ("master", "qselect_N"): ["28.login1"],
    ("release", "qselect_N_none"): [],
    ("master", "qselect_N_none"): [],
    ("release", "qselect_none"): [],
    ("master", "qselect_none"): [],
    ("release", "qselect_u_none"): [],
    ("master", "qselect_u_none"): [],
    ("release", "qselect_s_R"): ["32.login1"],
    ("master", "qselect_s_R"): ["27.login1"],
    ("release", "qselect_x_N"): ["15.login1"],
    ("master", "qselect_x_N"): ["13.login1"],
    ("release", "qselect_u_with_arrays"): ["60[].login1", "61[].login1", "62[].login1", "64[].login1"],
    ("master", "qselect_u_with_arrays"): ["55[].login1", "56[].login1", "57[].login1", "59[].login1"],
    ("master", "server_down_qselect"): None,
    ("release", "server_down_qselect"): None,
    ("master", "server_hung_qselect"): None,
}


def test_a_lost_job_is_found_by_its_name_or_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    for one in recordings():
        key = (one.build, one.name)
        if one.command != "qselect" or (key not in FOUND and one.name not in ("server_hung_qselect",)):
            continue
        ended = Ended(None if one.never_answered else one.exit_status, one.stdout, one.stderr)
        monkeypatch.setattr(pbs_qsub, "run_command", lambda *_, answer=ended: answer)
        ids, words = pbs_qsub.find_jobs(Pbs("/nowhere", ""), "btoken1")
        assert ids == FOUND[key], one
        assert bool(words) == (ids is None)
        seen.add(key)
    assert seen == FOUND.keys()
