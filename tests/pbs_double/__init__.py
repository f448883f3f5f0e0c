"""A faithful double of an OpenPBS, for tests: see README.md beside this file.

    from tests.pbs_double import Double, Node, Queue

    with Double.start(tmp_path / "pbs", build="release", slots=4) as pbs:
        config = SiteConfig(scheduler="pbs", pbs_exec=str(pbs.pbs_exec), ...)
        job_id = pbs.run("qsub", "job.sh", cwd=folder).stdout.decode().strip()
        pbs.wait(job_id)                      # until state F
        pbs.job(job_id).exit_status
        pbs.faults(server="down")             # also: hung, up; slow_s, lose_ids, refuse, clock, history …
        pbs.requeue(job_id)                   # the same id runs again
        pbs.run_twice(job_id)                 # … while its first processes live on
        pbs.kill_for_memory(job_id)
        pbs.lose_node(); pbs.node_back()
        pbs.kill_server(); pbs.restart()      # SIGKILL: jobs run on

`pbs.pbs_exec` is PBS_EXEC (its bin/ has the commands, for any caller: a shell, sshd), `pbs.pbs_conf` a
pbs.conf. Jobs start in `pbs.home`. Keywords of `start` beyond queues, nodes, slots, home and server are the
fields of `Settings` (kill_delay_s, poll_s, stageout_s, history_s, node_fail_requeue_s, …).
"""

from tests.pbs_double.double import Double, Seen
from tests.pbs_double.settings import Faults, Node, Queue, Settings

__all__ = ["Double", "Faults", "Node", "Queue", "Seen", "Settings"]
