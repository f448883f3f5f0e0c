"""Every recorded qsub, qdel, qhold, qrls and qselect of a real PBS, taken for what it is. The tables were
written by hand from what the scenarios are about."""

from __future__ import annotations

from pathlib import Path

import pytest

from bocr_tui.sites.helper import pbs_codes, pbs_qsub
from bocr_tui.sites.helper.pbs_commands import Ended, Pbs
from bocr_tui.sites.helper.pbs_submit import Submitter
from tests.sites.pbs_recordings import Recording, recordings

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
