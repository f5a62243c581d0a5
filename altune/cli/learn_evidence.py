"""``altune learn evidence``: gather what is known of the recommended recipe."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from altune.cli.learn_options import EpisodeOptions, LearnResources, command_to_repeat
from altune.cli.learn_portfolio import NoisyEvery
from altune.cli.options import AsJson
from altune.cli.output import print_json


def evidence(
    episodes: EpisodeOptions,
    resources: LearnResources,
    noisy_every: NoisyEvery = 3,
    out: Annotated[Path, typer.Option(metavar="FILE", help="File to write.")] = Path("evidence.yaml"),
    as_json: AsJson = False,
) -> None:
    """Play the recommended recipe and simple recipes on many data sets, and write the differences to a file.

    After an interruption, the same command resumes from its cache.
    """
    from altune.core.text import rough_duration
    from altune.report.texts.recommendation import gains_table
    from altune.workflows.learn.evidence import learn_evidence
    from altune.workflows.progress import ProgressObserver, console_display

    plan = episodes.plan()
    began = time.monotonic()
    with closing(ProgressObserver(console_display(resources.quiet or as_json))) as observer:
        found = learn_evidence(
            plan,
            noisy_every=noisy_every,
            cache=resources.cache,
            n_jobs=resources.jobs,
            out=out,
            command=command_to_repeat(sys.argv[1:]),
            observer=observer,
        )
    groups = found.where(lambda case: not case.noise).by_classes()
    if as_json:
        gains = [group.to_dict() for group in groups]
        print_json({"file": str(out), "gains": gains, "seconds": time.monotonic() - began})
        return
    print(gains_table(groups))
    print(f"\n{out}: {len(found.cases)} cases, in {rough_duration(time.monotonic() - began)}")
