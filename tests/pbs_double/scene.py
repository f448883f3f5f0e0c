"""The seven jobs that lay on the recorded server while it was asked: one runs on the whole node, one waits
for room, one is held, one asks for too much, one depends, one is in a stopped queue, one waits for a date."""

from __future__ import annotations

from tests.pbs_double.replay import HPC_WORK, Stage, difference


def script(*directives: str) -> str:
    return "#!/bin/bash\n" + "".join(f"#PBS {line}\n" for line in directives) + "sleep 1\n"


def set_scene(stage: Stage) -> int:
    """Returns the running job's number."""
    first = int(stage.recordings["qsub_ok_running_job"].job_id.partition(".")[0])
    _history(stage, first)
    stage.pbs.next_id(first)
    assert not difference(*stage.submit("qsub_ok_running_job"))
    walltime = "-l walltime=00:05:00"
    _submit(stage, "-N queued", "-l select=1:ncpus=1:ngpus=1", walltime)
    _submit(stage, "-N held", "-h", walltime)
    _submit(stage, "-N big8gpu", "-l select=1:ncpus=1:ngpus=8", walltime)
    _submit(stage, "-N dep", f"-W depend=afterok:{first}", walltime)
    _submit(stage, "-N haltq", "-q halted")
    stage.submit("qsub_ok_execution_time")
    stage.pbs.wait_until(str(first), lambda job: job.substate == 42)
    stage.pbs.wait_until(str(first + 5), lambda job: bool(job.comment))
    return first


def _submit(stage: Stage, *directives: str) -> None:
    (stage.place(HPC_WORK) / "job.sh").write_text(script(*directives))
    assert stage.command(["qsub", "job.sh"]).status == 0


def _history(stage: Stage, first: int) -> None:
    """The jobs that had finished by then, under their ids; two of them by their recorded names."""
    named = stage.recordings["qselect_x_N"].out.decode().split()
    shown = stage.recordings["qstat_x_f_json_finished_and_running"]
    (stage.place(HPC_WORK) / "job.sh").write_text("#!/bin/bash\ntrue\n")
    for one in stage.recordings["qselect_x"].out.decode().split():
        number = int(one.partition(".")[0])
        if number >= first:
            continue
        stage.pbs.next_id(number)
        options = [] if one in named else ["-N", "old"]
        if one == shown.job_id:
            letter, value = shown.job["Submit_arguments"].removesuffix(" job.sh").split(" ", 1)
            options = [letter, value]
        assert stage.command(["qsub", *options, "job.sh"]).status == 0
        stage.pbs.wait(one)
