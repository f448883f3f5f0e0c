"""What a person can look at before a batch is sent: what that would do, and the very script."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from bocr_tui.actions.action import Action, Context, Options, Outcome
from bocr_tui.actions.words import counted
from bocr_tui.config.errors import UsageError

if TYPE_CHECKING:
    from bocr_tui.control.foretelling import Foretold, ForetoldStage
    from bocr_tui.control.wishes import Wishes


def wishes_of(options: Options) -> Wishes:
    """What was asked for beside the configuration."""
    from bocr_tui.control.wishes import Wishes

    return Wishes(options.site, options.stages, options.queue, options.walltime)


def _some_batch(context: Context) -> str | None:
    return None if context.selection.batches else "No batch is selected."


def _one_batch(context: Context) -> str | None:
    if len(context.selection.batches) > 1:
        return "A script is of one batch: select one."
    return _some_batch(context)


def _foretell(context: Context, options: Options) -> Outcome:
    from bocr_tui.control.engine_fitness import check_fit
    from bocr_tui.control.foretelling import foretell
    from bocr_tui.control.wishes import wished

    config = wished(context.workspace.config, wishes_of(options))
    check_fit(config, config.site, options.stages)
    told = foretell(context.catalog.open(), config, context.selection.batches)
    return Outcome(
        text=" ".join([*sentences(told), "Nothing was changed."]),
        count=told.pages,
        numbers={**asdict(told), "stages": [asdict(stage) for stage in told.stages], "dry_run": True},
        well=told.pages > 0 and not told.lost,
    )


def sentences(told: Foretold) -> list[str]:
    """What would happen, for people."""
    held = (
        f"{counted(told.held, 'page')} of them {'is' if told.held == 1 else 'are'} with a live job already."
    )
    if not told.pages:
        return ["No page of these batches waits to be submitted.", *([held] if told.held else [])]
    engines = ", then ".join(stage.engine for stage in told.stages)
    chains = counted(told.chains, "chain")
    said = [
        f"{counted(told.pages, 'page')} of {counted(told.documents, 'document')} would be submitted"
        f" to {told.site} in {chains}: {engines}.",
        _jobs(told),
        *(words for words in map(_asks, told.stages) if words),
    ]
    if told.uploads:
        size = f"{told.upload_bytes / 1e6:,.1f} MB"
        said.append(f"{counted(told.uploads, 'document')} ({size}) would be uploaded first.")
    if told.lost:
        said.append(f"{counted(told.lost, 'document')} cannot be found there: those pages would fail.")
    if told.held:
        said.append(held)
    said.append(_takes(told))
    return said


def _jobs(told: Foretold) -> str:
    if told.scheduler == "pbs":
        return f"{counted(told.jobs, 'job')} would go to PBS, {told.most_at_once:,} at most at once."
    return f"{counted(told.jobs, 'job')} would start, {told.most_at_once:,} at once."


def _asks(stage: ForetoldStage) -> str:
    asked = [
        f"{name} {value}"
        for name, value in (("queue", stage.queue), ("select", stage.select), ("walltime", stage.walltime))
        if value
    ]
    return f"{stage.engine} asks for {', '.join(asked)}." if asked else ""


def _takes(told: Foretold) -> str:
    hours, minutes = divmod(round(told.estimated_s / 60), 60)
    spent = f"{hours:,} h {minutes:02d} min" if hours else f"{minutes} min" if minutes else "under a minute"
    gpus = "" if told.gpu_hours is None else f", {told.gpu_hours:,.1f} GPU hours"
    return f"Estimated {spent} of jobs{gpus}."


def _script(context: Context, options: Options) -> Outcome:
    from bocr_tui.control.scripts import script_of_batch, script_to_be
    from bocr_tui.control.wishes import wished

    workspace = context.workspace
    config = wished(workspace.config, wishes_of(options))
    if len(context.selection.batches) > 1:
        raise UsageError("A script is of one batch.", "Name one.")
    if context.selection.batches:
        (batch_id,) = context.selection.batches
        made = script_of_batch(workspace, context.catalog.open(), config, batch_id, options.stage)
    else:
        made = script_to_be(workspace, config, options.stage)
    return Outcome(
        text=made.text.rstrip("\n"),
        count=1,
        next_step=" ".join(made.remarks),
        numbers=asdict(made),
    )


FORETELLING_ACTIONS = (
    Action(
        id="batch.foretell",
        title="Dry run",
        tooltip="Say what submitting the selected batches would do, and change nothing.",
        key="d",
        group="Batches",
        command="bocr submit --dry-run",
        when=_some_batch,
        run=_foretell,
        selects="batches",
        writes=False,
        asks=("site", "stages", "queue", "walltime"),
    ),
    Action(
        id="batch.script",
        title="Script",
        tooltip="Show the job script of a stage, as the site gets it.",
        key="x",
        group="Batches",
        command="bocr script",
        when=_one_batch,
        run=_script,
        selects="batches",
        writes=False,
        asks=("site", "stages", "queue", "walltime", "stage"),
    ),
)
