"""What PBS says is read as far as it can be believed: nothing hostile, cut or unsound ends a job."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bocr_tui.sites.helper.pbs_filter import MAX_BLOCK_BYTES, JobFilter, is_over
from bocr_tui.sites.scheduler.base import JobView
from bocr_tui.sites.scheduler.pbs.answers import Answer, Said, look_of, read_answer
from bocr_tui.sites.scheduler.pbs.server import server_of
from bocr_tui.sites.scheduler.pbs.states import MAX_WORDS, cause_in, plain_words, view_of
from bocr_tui.sites.scheduler.pbs.text import MAX_BYTES, MAX_VALUE, PbsThing, PbsUnreadable, parse_things
from tests.sites.pbs_recordings import as_text, recording, recordings

JOBS = {"bone": "32.login1", "btwo": "33.login1"}
TEXTS = [
    as_text(one.stdout)
    for one in recordings()
    if one.command == "qstat"
    and one.name.startswith(("qstat_f_json", "qstat_f_text", "qstat_f_w", "qstat_x_"))
]
ENDED = as_text(recording("release", "qstat_x_f_json_walltime_killed").stdout)
RUNNING = recording("release", "qstat_f_w_text_running").stdout


def block(job_id: str = "32.login1", owner: str = "hpc", name: str = "bone", **attributes: object) -> bytes:
    lines = [f"Job Id: {job_id}", f"    Job_Name = {name}", f"    Job_Owner = {owner}@login1"]
    lines += [f"    {name} = {value}" for name, value in attributes.items()]
    return ("\n".join(lines) + "\n\n").encode()


def by_id(
    text: bytes, status: int | None = 0, stderr: bytes = b"", asked: tuple[str, ...] = ("32.login1",)
) -> Answer:
    return Answer("hpc", None, Said(status, stderr, text), asked)


def listing(text: bytes, status: int | None = 0, stderr: bytes = b"") -> Answer:
    return Answer("hpc", Said(status, stderr, text), None, ())


def views(answer: Answer) -> Mapping[str, JobView]:
    return look_of(JOBS, answer).views


# -- the text ---------------------------------------------------------------------------------------------


def test_a_folded_value_is_one_value() -> None:
    (wide,) = parse_things(RUNNING)
    (folded,) = parse_things(recording("release", "qstat_f_text_running").stdout)
    assert folded.attributes["comment"] == wide.attributes["comment"]
    assert folded.attributes["Variable_List"] == wide.attributes["Variable_List"]
    assert "\t" not in folded.attributes["Variable_List"]


def test_line_ends_inside_a_value_belong_to_it() -> None:
    for build in ("release", "master"):
        (job,) = parse_things(recording(build, "qstat_f_text_special_v_newline").stdout)
        assert "V=line1\nline2" in job.attributes["Variable_List"]
        assert job.attributes["project"] == "_pbs_project_default"
        assert job.whole


def test_what_stands_before_the_first_job_is_passed_over() -> None:
    noisy = b"Welcome!\n    job_state = F\nwarning: locale\n\n" + RUNNING + b"\nGood bye.\n"
    assert [job.attributes for job in parse_things(noisy)] == [
        job.attributes for job in parse_things(RUNNING)
    ]
    assert views(listing(noisy))["bone"].state == "running"


def test_a_value_that_imitates_an_attribute_makes_it_doubtful() -> None:
    (job,) = parse_things(
        block(job_state="R", substate=42, Variable_List="A=1\n    job_state = F\n    substate = 92")
    )
    with pytest.raises(PbsUnreadable, match="says job_state of 32"):
        view_of(job, final=True)


def test_a_huge_answer_is_refused_and_a_huge_value_cut() -> None:
    with pytest.raises(PbsUnreadable, match="longer"):
        parse_things(b"x" * (MAX_BYTES + 1))
    (job,) = parse_things(block(job_state="R", comment="y" * 1_000_000))
    assert len(job.attributes["comment"]) == MAX_VALUE
    view = view_of(job, final=False)
    assert view is not None
    (queued,) = parse_things(block(job_state="Q", comment="\x1b[2J" + "y" * 1_000_000))
    words = view_of(queued, final=False)
    assert words is not None and len(words.words) <= MAX_WORDS and words.words.isprintable()


@given(st.binary(max_size=2000))
@example(b"Job Id: \n\n")
@example(b"Job Id: 1\n    job_state = F\n    substate = 92\n    Exit_status = 99999999999999999999\n\n")
@example(b"Job Id: 1\n    job_state = F\n    substate = \xd9\xa3\n\n")
def test_any_bytes_are_read_or_refused_by_name(text: bytes) -> None:
    for kind in ("Job Id", "Queue", "Server"):
        for thing in parse_things(text, kind):
            for final in (True, False):
                with suppress(PbsUnreadable):
                    view = view_of(thing, final=final)
                    assert view is None or len(view.words) <= MAX_WORDS


# -- the filter on the login node -------------------------------------------------------------------------


def filtered(text: bytes, ids: list[str], step: int = 7) -> dict[str, list[bytes]]:
    chosen = JobFilter(ids)
    for start in range(0, len(text), step):
        chosen.feed(text[start : start + step])
    return chosen.blocks()


def test_only_our_jobs_and_what_matters_of_them_leaves_the_login_node() -> None:
    everybody = b"".join(TEXTS)
    found = filtered(everybody, ["32.login1", "41.login1"], step=4096)
    assert found.keys() == {"32", "41"}
    kept = b"".join(one for several in found.values() for one in several)
    assert b"job_state" in kept and b"Variable_List" not in kept and b"PBS_O_PATH" not in kept


@pytest.mark.parametrize("step", [1, 3, 1000, 10**9])
def test_the_filter_changes_nothing_that_is_read(step: int) -> None:
    for text in TEXTS:
        for job in parse_things(text):
            several = filtered(text, [job.name], step=max(step, len(text) // 500))[job.name.split(".")[0]]
            again = parse_things(several[0])[0]
            assert again.whole == job.whole
            assert (again.attributes.get("comment"), again.attributes["job_state"]) == (
                job.attributes.get("comment"),
                job.attributes["job_state"],
            )


def test_a_line_without_end_is_not_kept_in_memory() -> None:
    chosen = JobFilter(["32.login1"])
    chosen.feed(b"Job Id: 32.login1\n    job_state = R\n    comment = ")
    for _ in range(200):
        chosen.feed(b"x" * 100_000)
    chosen.feed(b"\n    substate = 42\n\n")
    (kept,) = chosen.blocks()["32"]
    assert len(kept) < MAX_BLOCK_BYTES
    (job,) = parse_things(kept)
    assert job.whole and job.attributes["substate"] == "42"


def test_a_stranger_s_value_that_imitates_our_job_makes_it_doubtful() -> None:
    forged = block(
        "99.login1",
        owner="other",
        Variable_List="V=\n\nJob Id: 32.login1\n    job_state = F\n    substate = 92\n",
    )
    found = filtered(forged + RUNNING, ["32.login1"])
    assert len(found["32"]) == 2
    alone = filtered(forged, ["32.login1"])["32"]
    assert len(alone) == 1 and is_over(alone[0])


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_the_filter_takes_any_bytes(pieces: list[bytes]) -> None:
    chosen = JobFilter(["32.login1", "1"])
    for piece in pieces:
        chosen.feed(piece)
    assert set(chosen.blocks()) <= {"32", "1"}


# -- what may be believed ---------------------------------------------------------------------------------


def test_an_end_is_believed_by_id_only() -> None:
    over = block(job_state="F", substate=92, Exit_status=0)
    assert views(by_id(over))["bone"] == JobView("ended", "ok", "", 0)
    assert not views(listing(over))


def test_an_answer_that_is_cut_anywhere_ends_nothing() -> None:
    """Cut before its exit status, a job that was killed looks like one that never ran."""
    for cut in range(1, len(ENDED)):
        answer = by_id(ENDED[:-cut], asked=("47.login1",))
        assert not look_of({"b": "47.login1"}, answer).views, cut


@pytest.mark.parametrize("status", [None, -9, 1, 2, 3, 99, 124, 137, 159, 160, 162, 170, 183, 186, 254, 255])
def test_an_exit_status_that_is_no_answer_says_nothing(status: int | None) -> None:
    for answer in (by_id(b"", status), listing(b"", status), by_id(ENDED, status, asked=("47.login1",))):
        look = look_of({**JOBS, "b": "47.login1"}, answer)
        assert not look.views and look.problem


@pytest.mark.parametrize(
    "stderr",
    [
        b"pbs_iff: cannot connect to host\npbs_iff: all reserved ports in use\n",
        b"qstat: PBS is not configured to maintain job history 32.login1\n",
        b"Connection refused\n",
        b"qstat: Unknown Job Id 32.login1 (maybe)\n",
        b"qstat: Unknown Job Id 32.login1\nqstat: Unknown Job Id\n",
        b"\xff\xfe\n",
    ],
)
@pytest.mark.parametrize("status", [0, 153, 35])
def test_a_complaint_of_another_kind_makes_the_answer_worthless(stderr: bytes, status: int) -> None:
    look = look_of(JOBS, by_id(b"", status, stderr))
    assert not look.views and look.problem


def test_no_job_is_unknown_unless_pbs_says_so_of_its_id() -> None:
    unknown = b"qstat: Unknown Job Id 32.login1\n"
    assert views(by_id(b"", 153, unknown)) == {"bone": JobView("unknown", None, "PBS knows no such job")}
    assert not views(by_id(b"", 153, b""))
    assert not views(by_id(b"", 0, b""))
    assert not views(by_id(b"", 153, unknown, asked=())), "it was not asked about"
    assert not views(listing(b"")), "missing in a listing is no answer"
    assert not views(by_id(b"", 0, unknown)), "the status says that all was well"


def test_what_is_said_of_one_id_says_nothing_of_another() -> None:
    answer = by_id(
        block("33.login1", job_state="R"), 153, b"qstat: Unknown Job Id 32.login1\n", tuple(JOBS.values())
    )
    assert {token: view.state for token, view in views(answer).items()} == {
        "bone": "unknown",
        "btwo": "running",
    }


def test_a_number_that_went_to_somebody_else_is_not_our_job() -> None:
    theirs = block(owner="other", name="theirs", job_state="F", substate=92, Exit_status=0)
    assert views(by_id(theirs))["bone"].state == "unknown"
    assert not views(listing(block(owner="other", name="theirs", job_state="R")))


def test_a_job_of_ours_that_was_renamed_or_is_called_by_an_alias_is_still_ours() -> None:
    for changed in (block(name="renamed", job_state="R"), block(owner="alias", job_state="R")):
        assert views(by_id(changed))["bone"].state == "running"


def test_a_job_that_stands_there_twice_is_not_believed() -> None:
    twice = block(job_state="R") + block(job_state="F", substate=91)
    assert not views(by_id(twice)) and not views(listing(twice))


def test_an_exit_status_of_a_job_that_is_not_over_is_none() -> None:
    for state, shown in (("Q", "queued"), ("H", "held"), ("R", "running"), ("E", "running")):
        answer = by_id(block(job_state=state, substate=92, Exit_status=-29))
        assert views(answer)["bone"].state == shown
        assert views(answer)["bone"].exit_status is None


@given(st.sampled_from([None, 0, 1, 35, 153, 255]), st.binary(max_size=300), st.binary(max_size=300))
def test_garbage_never_ends_a_job_nor_makes_it_unknown(
    status: int | None, stderr: bytes, text: bytes
) -> None:
    asked = tuple(JOBS.values())
    for answer in (by_id(text, status, stderr, asked), listing(text, status, stderr)):
        assert not [view for view in views(answer).values() if view.state in ("ended", "unknown")]


@given(st.data())
def test_a_damaged_answer_about_a_running_job_never_ends_it(data: st.DataObject) -> None:
    """Bytes lost, doubled or changed anywhere, as a bad link or a bad disk would have it."""
    text = bytearray(RUNNING)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(text) - 1))
        size = data.draw(st.integers(1, 60))
        what = data.draw(st.sampled_from(["cut", "double", "change"]))
        if what == "cut" and len(text) > 200:
            del text[place : place + size]
        elif what == "double":
            text[place:place] = text[place : place + size]
        else:
            text[place] = data.draw(st.sampled_from(list(b"\n\t =:0987654321.RQH")))
    found = look_of({"running": "32.login1"}, by_id(bytes(text))).views.get("running")
    assert found is None or found.state != "ended"
    if found is not None and found.state == "unknown":  # then it is somebody else's, by two signs
        assert b"Job_Owner = hpc@" not in text and b"Job_Name = running\n" not in text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.binary(max_size=50),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["user", "listing", "by_id", "asked", "status", "stderr", "text"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_the_site_answers_is_read_or_refused_by_name(record: object) -> None:
    with suppress(PbsUnreadable):
        look = look_of(JOBS, read_answer(record))
        assert not [view for view in look.views.values() if view.state in ("ended", "unknown")]
    if isinstance(record, dict):
        with suppress(PbsUnreadable):
            server_of(record)


# -- words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("Job run at Sat Nov 21 at 04:43 on (n1:ncpus=1:mem=1gb) and exceeded resource walltime", "walltime"),
        ("Job run at Sat Nov 21 at 04:43 on (n1:ncpus=1) and exceeded resource mem", "memory"),
        ("Job run at Sat Nov 21 at 04:43 on (n1:ncpus=1:walltime=1) and exceeded resource vmem", "memory"),
        ("=>> PBS: job killed: walltime 26 exceeded limit 10", "walltime"),
        ("=>> PBS: job killed: mem 120000kb exceeded limit 102400kb", "memory"),
        ("Cgroup mem limit exceeded: oom-kill", "memory"),
        ("Job run at Sat Nov 21 at 04:43 on (n1:mem=1gb:ncpus=1) and exceeded resource ncpus", None),
        ("Job run at Sat Nov 21 at 04:43 on (n1:ncpus=1) and failed", None),
        ("", None),
    ],
)
def test_pbs_s_own_words_name_the_cause(words: str, cause: str | None) -> None:
    assert cause_in(words) == cause


def test_a_site_that_reports_walltime_as_271_is_understood() -> None:
    answer = by_id(
        block(job_state="F", substate=93, Exit_status=271, comment="x and exceeded resource walltime")
    )
    assert views(answer)["bone"].cause == "walltime"


@given(st.text())
def test_words_are_one_plain_line(text: str) -> None:
    words = plain_words(text)
    assert len(words) <= MAX_WORDS and (words.isprintable() or not words)


def test_states_that_nobody_has_heard_of_say_nothing() -> None:
    for state in ("Z", "", "RF", "\u0660"):
        assert not views(by_id(block(job_state=state, substate=92, Exit_status=0)))


def test_a_thing_without_attributes_is_not_whole() -> None:
    assert parse_things(b"Job Id: 1.s\n\n") == [PbsThing("1.s")]


# -- servers and queues -----------------------------------------------------------------------------------


def _server(build: str, status: int = 0, stderr: bytes = b"") -> dict[str, object]:
    server = as_text(recording(build, "qstat_B_f_json").stdout, "Server")
    queues = as_text(recording(build, "qstat_Q_f_json").stdout, "Queue")
    return {
        "folder": "/opt/pbs/bin",
        "version": "23.06.06",
        "user": "hpc",
        "server": {"status": status, "stderr": stderr, "text": server},
        "queues": {"status": 0, "stderr": b"", "text": queues},
    }


@pytest.mark.parametrize("build", ["release", "master"])
def test_a_server_says_what_its_queues_take(build: str) -> None:
    server = server_of(_server(build))
    assert (server.state, server.default_queue, server.history, server.problem) == (
        "Active",
        "workq",
        True,
        "",
    )
    assert server.queues.keys() == {"workq", "gpu", "private", "closed", "halted", "onejob"} | (
        {"slowkill"} if build == "release" else set()
    )
    gpu = server.queues["gpu"]
    assert (gpu.enabled, gpu.started, gpu.execution, gpu.walltime_most) == (True, True, True, "04:00:00")
    assert gpu.attributes["acl_users"] == "hpc"
    assert not server.queues["closed"].enabled and not server.queues["halted"].started


def test_a_server_that_is_down_is_a_problem_in_words() -> None:
    down = server_of(
        _server("release", 255, b"Connection refused\nqstat: cannot connect to server s (errno=15010)\n")
    )
    assert down.problem.startswith("PBS's server cannot be reached: Connection refused")
    assert not down.queues
