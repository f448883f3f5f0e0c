"""Every recorded qstat of a real PBS, read to what it means (pbs_expected.py)."""

from __future__ import annotations

import pytest

from bocr_tui.catalog.words import JobCause
from bocr_tui.sites.scheduler.base import JobView
from bocr_tui.sites.scheduler.pbs.answers import Answer, Said, look_of
from bocr_tui.sites.scheduler.pbs.states import view_of
from bocr_tui.sites.scheduler.pbs.text import parse_things
from tests.sites.pbs_expected import (
    ARRAYS,
    HELD,
    LISTINGS,
    NO_ANSWERS,
    ONE_JOB,
    OTHER_QUESTIONS,
    QUEUED,
    SEVERAL,
    TABLES,
    Expected,
)
from tests.sites.pbs_recordings import Recording, as_text, recording, recordings


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
