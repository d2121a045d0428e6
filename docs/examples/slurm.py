"""A study on a Slurm cluster: python slurm.py experiments/iris.yaml --jobs 8

Start it on a login node, in a folder that all nodes share, with the environment that has qhu in it
on that disk, too. It asks Slurm for jobs, each of them a few workers; the study starts with the
first one and goes on as others join. Needs dask-jobqueue: pip install 'qhu[cluster]'.
"""

import argparse

from dask_jobqueue import SLURMCluster

import qhu


def cluster(cores: int) -> SLURMCluster:
    """Jobs of some cores with a worker on each. Adapt it to your site."""
    return SLURMCluster(
        cores=cores,
        processes=cores,  # one thread each
        memory=f"{4 * cores} GB",
        walltime="02:00:00",
        worker_extra_args=["--lifetime", "110m", "--lifetime-stagger", "5m"],  # leave in time
        # queue="short", account="physics", interface="ib0",
        # Workers keep memory that they are about to use again: see docs/scale.md.
        job_script_prologue=[
            "export MALLOC_TRIM_THRESHOLD_=1000000000 MALLOC_MMAP_THRESHOLD_=1000000000",
            # "module load gcc",
        ],
    )


def main() -> None:
    """Run the experiment on as many jobs as asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiment")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--cores", type=int, default=4, help="of each job")
    parser.add_argument("--out", help="run folder")
    asked = parser.parse_args()
    with cluster(asked.cores) as nodes:
        nodes.scale(jobs=asked.jobs)
        run = qhu.run(asked.experiment, asked.out, scheduler=nodes.scheduler_address)
    print(run.summary.to_string())
    print(run.report())


if __name__ == "__main__":
    main()
