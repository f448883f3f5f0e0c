"""What each recorded qstat means, written by hand from what the scenarios are about."""

from __future__ import annotations

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
