"""The command line: parse, call, print.

Standard output carries results, standard error progress and errors. Exit codes: 0 done, 1 the work failed, 2 the
request is wrong, 130 interrupted.
"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from altune import __version__

app = typer.Typer(
    name="altune",
    help="Tune an active-learning process as one tunes a model: search, confirm, explain, use.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

DataArgument = Annotated[
    str, typer.Argument(metavar="DATA", help="A built-in data set (see `altune datasets`) or a file.")
]
Target = Annotated[str | None, typer.Option(metavar="COLUMN", help="Label column of a table.")]
ModelOption = Annotated[str | None, typer.Option("--model", metavar="NAME", help="Fix the model by name.")]
Budget = Annotated[int | None, typer.Option(metavar="N", help="Labels that may be bought in all.")]
Loops = Annotated[
    str | None, typer.Option(metavar="N", help="The most loops after the first sample (20), or `unlimited`.")
]
Metric = Annotated[str | None, typer.Option(help="Any scikit-learn scorer; by default accuracy.")]
Also = Annotated[list[str] | None, typer.Option(metavar="METRIC", help="Record this scorer too; repeatable.")]
ObjectiveOption = Annotated[
    str | None,
    typer.Option("--objective", help="aulc, aulc_trapezoid, aulc_log, final_score or net_value."),
]
Over = Annotated[str | None, typer.Option(help="Integrate an area over `labels` or over `cost`.")]
Value = Annotated[float | None, typer.Option(help="Worth of a score of 1, for net_value.")]
LabelPrice = Annotated[float | None, typer.Option(metavar="PRICE", help="Price of one label.")]
LoopPrice = Annotated[float | None, typer.Option(metavar="PRICE", help="Price of one loop.")]
Annotators = Annotated[
    str | None, typer.Option(metavar="ERRORS", help="Error rate of each annotator, such as 0.1,0.1,0.2.")
]
ScenarioFile = Annotated[
    Path | None, typer.Option("--scenario", metavar="FILE", help="All of the scenario in YAML; options override it.")
]
BlocksFile = Annotated[
    Path | None,
    typer.Option("--blocks", metavar="FILE", help="Explicit blocks in JSON, in place of drawn ones."),
]
Jobs = Annotated[int, typer.Option(metavar="N", help="Processes; -1 for one on each core. Changes no result.")]
Seed = Annotated[int, typer.Option(metavar="N", help="Seed of every random stream.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


@app.command()
def tune(
    data: DataArgument,
    space: Annotated[str, typer.Option(metavar="NAME", help="Shipped search space or YAML file.")] = "standard",
    model: ModelOption = None,
    target: Target = None,
    budget: Budget = None,
    loops: Loops = None,
    metric: Metric = None,
    also: Also = None,
    objective: ObjectiveOption = None,
    over: Over = None,
    value: Value = None,
    label_price: LabelPrice = None,
    loop_price: LoopPrice = None,
    annotators: Annotators = None,
    scenario: ScenarioFile = None,
    blocks: BlocksFile = None,
    trials: Annotated[int, typer.Option(metavar="N", help="Trials of the search.")] = 60,
    timeout: Annotated[
        str | None, typer.Option(metavar="TIME", help="Begin no further trials after 90s, 10m, 2h.")
    ] = None,
    seeds: Annotated[int, typer.Option(metavar="N", help="Blocks on which each trial is played.")] = 5,
    batch: Annotated[int, typer.Option(metavar="N", help="Trials asked of the sampler at a time.")] = 4,
    sampler: Annotated[str, typer.Option(help="tpe or random.")] = "tpe",
    select_among: Annotated[int, typer.Option(metavar="K", help="Best recipes that are played again.")] = 5,
    select_seeds: Annotated[int, typer.Option(metavar="N", help="Fresh blocks to select on.")] = 10,
    report_seeds: Annotated[int, typer.Option(metavar="N", help="Fresh blocks to report on.")] = 20,
    confirm: Annotated[bool, typer.Option("--confirm/--no-confirm", help="Confirm the best recipes.")] = True,
    jobs: Jobs = -1,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="The run's folder.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done, and every default.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Search for the best way to run active learning on DATA, and confirm it on fresh splits.

    Killed or stopped at any moment, the same command goes on where it was.
    """
    from altune import run as runs
    from altune.console import ConsoleObserver
    from altune.tuning.settings import Settings

    settings = Settings(trials, seeds, batch, seed, sampler, select_among, select_seeds, report_seeds)
    limit = _seconds(timeout)
    world = _world(locals())
    prepared = runs.prepare_space(space, world, model)
    folder = out if out is not None else _default_folder(world, prepared, settings)
    if dry_run:
        _print_plan(world, prepared, settings, folder, confirm, as_json)
        return
    with ConsoleObserver(quiet or as_json) as observer:
        try:
            found = runs.tune_world(
                world,
                prepared,
                settings,
                timeout=limit,
                confirm=confirm,
                n_jobs=jobs,
                out=folder,
                observer=observer,
            )
        except KeyboardInterrupt:
            observer.close()
            kept = runs.finished_trials(folder)
            print(
                f"\naltune: stopped; {kept} finished trials are kept in {folder}. To go on, give the same command:\n"
                f"  {shlex.join(['altune', *sys.argv[1:]])}",
                file=sys.stderr,
            )
            raise typer.Exit(130) from None
    if as_json:
        _print_json(found.to_dict())
        return
    print(found.answer)
    print(f"\n{folder}/recipe.yaml   the recipe" if found.confirmation else "")
    print(f"{folder}/report.html   the evidence, to be opened in a browser")
    print(f"{folder}/curves.csv    every learning curve")
    print(f"{folder}/{runs.JOURNAL} the Optuna study")


@app.command()
def simulate(
    data: DataArgument,
    recipe: Annotated[
        str, typer.Option(metavar="RECIPE", help="random_sampling, vanilla, or a YAML file.")
    ] = "random_sampling",
    model: ModelOption = None,
    target: Target = None,
    budget: Budget = None,
    loops: Loops = None,
    metric: Metric = None,
    also: Also = None,
    objective: ObjectiveOption = None,
    over: Over = None,
    value: Value = None,
    label_price: LabelPrice = None,
    loop_price: LoopPrice = None,
    annotators: Annotators = None,
    scenario: ScenarioFile = None,
    blocks: BlocksFile = None,
    seeds: Annotated[int, typer.Option(metavar="N", help="Fresh blocks to play on.")] = 10,
    jobs: Jobs = -1,
    seed: Seed = 0,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write every point of every curve.")] = None,
    as_json: AsJson = False,
) -> None:
    """Play one recipe on DATA and print its learning curve."""
    from altune.playing import simulate as play
    from altune.report.tables import curve_table

    found = play(recipe, **_playing(locals()))
    if csv is not None:
        _write(csv, found.to_frame().to_csv(index=False))
    if as_json:
        _print_json(found.to_dict())
        return
    interval = found.interval
    print(
        f"{found.objective.name} of {found.objective.metric}: {interval.mean:.4f} "
        f"[{interval.low:.4f}, {interval.high:.4f}] over {interval.blocks} blocks"
    )
    print(curve_table(found.curves, found.objective.metric))


@app.command()
def compare(
    data: DataArgument,
    recipes: Annotated[
        list[str],
        typer.Argument(metavar="RECIPES...", help="Two or more: random_sampling, vanilla, YAML files, or NAME=FILE."),
    ],
    model: ModelOption = None,
    target: Target = None,
    budget: Budget = None,
    loops: Loops = None,
    metric: Metric = None,
    also: Also = None,
    objective: ObjectiveOption = None,
    over: Over = None,
    value: Value = None,
    label_price: LabelPrice = None,
    loop_price: LoopPrice = None,
    annotators: Annotators = None,
    scenario: ScenarioFile = None,
    blocks: BlocksFile = None,
    seeds: Annotated[int, typer.Option(metavar="N", help="Fresh blocks to play on.")] = 20,
    jobs: Jobs = -1,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Play recipes on the same fresh blocks and print their differences with intervals."""
    from altune.playing import compare as play
    from altune.report.tables import comparison_table

    found = play(_named_recipes(recipes), **_playing(locals()))
    if as_json:
        _print_json(found.to_dict())
        return
    print(comparison_table(found.result))


@app.command()
def stopping(
    data: DataArgument,
    recipe: Annotated[
        str, typer.Option(metavar="RECIPE", help="random_sampling, vanilla, or a YAML file.")
    ] = "vanilla",
    rule: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A rule with its defaults; repeatable. By default all.")
    ] = None,
    model: ModelOption = None,
    target: Target = None,
    budget: Budget = None,
    loops: Loops = None,
    metric: Metric = None,
    also: Also = None,
    objective: ObjectiveOption = None,
    over: Over = None,
    value: Value = None,
    label_price: LabelPrice = None,
    loop_price: LoopPrice = None,
    annotators: Annotators = None,
    scenario: ScenarioFile = None,
    blocks: BlocksFile = None,
    seeds: Annotated[int, typer.Option(metavar="N", help="Fresh blocks to play on.")] = 10,
    jobs: Jobs = -1,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Play one recipe on DATA to the end and say where each stopping rule would have stopped."""
    from altune.replay import replay
    from altune.report.tables import table

    named = {name: {"method": name} for name in rule} if rule else None
    found = replay(recipe, rules=named, **_playing(locals()))
    if as_json:
        _print_json(found.to_dict())
        return
    print(table(found.rows()))
    for name, reason in found.excluded.items():
        print(f"left out: {name}: {reason}")


@app.command()
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write; by default RUN/report.html.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a run's page again from its study, and print the answer."""
    from altune.report.run_page import run_page
    from altune.run import REPORT_FILE, open_run

    found = open_run(run)
    path = out if out is not None else run / REPORT_FILE
    _write(path, run_page(found))
    if as_json:
        _print_json(found.to_dict())
        return
    print(found.answer)
    print(f"\n{path}")


@app.command()
def knobs(
    knob: Annotated[str | None, typer.Argument(metavar="[KNOB]", help="One knob, or `model`.")] = None,
    method: Annotated[str | None, typer.Argument(metavar="[METHOD]", help="One method of it, in full.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the methods of each knob with their parameters, needs and source."""
    from altune.report.tables import knob_table, knobs_as_dict, method_page

    if method is not None and knob is not None:
        text, listed = method_page(knob, method), knobs_as_dict(knob, method)
    else:
        text, listed = knob_table(knob), knobs_as_dict(knob)
    _print_json(listed) if as_json else print(text)


@app.command()
def spaces(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Print one space as YAML.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the search spaces that altune ships."""
    from altune.report.tables import table
    from altune.space import SearchSpace, list_spaces
    from altune.space.shipped import find_space

    if name is not None:
        found = SearchSpace.load(name)
        _print_json(found.to_dict()) if as_json else print(find_space(name).read_text("utf-8").rstrip())
        return
    listed = list_spaces()
    _print_json(listed) if as_json else print(table(listed, wide="summary"))


@app.command()
def datasets(as_json: AsJson = False) -> None:
    """List the built-in data sets."""
    from altune.data import list_datasets
    from altune.report.tables import dataset_rows, dataset_table

    listed = list_datasets()
    _print_json(dataset_rows(listed)) if as_json else print(dataset_table(listed))


def version(show: bool) -> None:
    """Print the version and end."""
    if show:
        print(f"altune {__version__}")
        raise typer.Exit


@app.callback()
def common(
    show_version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Tune an active-learning process as one tunes a model: search, confirm, explain, use."""


def main() -> None:
    """Run the command line; the entry point of the ``altune`` script."""
    from altune.console import print_error
    from altune.errors import RequestError, WorkError

    try:
        code = app(standalone_mode=False)
    except RequestError as error:
        print_error(str(error))
        code = 2
    except WorkError as error:
        print_error(str(error))
        code = 1
    except KeyboardInterrupt:
        print_error("interrupted")
        code = 130
    except BrokenPipeError:
        sys.stderr.close()
        code = 1
    except Exception as error:
        code = _usage_error(error)
    sys.exit(code if isinstance(code, int) else 0)


def _usage_error(error: Exception) -> int:
    """Print the one line of an error of the command line's own parser, or go on raising."""
    from altune.console import print_error

    if type(error).__name__ == "Abort":
        print_error("interrupted")
        return 130
    if not hasattr(error, "format_message"):
        raise error
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error.format_message())
        return 2
    context = getattr(error, "ctx", None)
    where = f" (see `{context.command_path} --help`)" if context is not None else ""
    print_error(f"{error.format_message()}{where}")
    return 2


def _world(options: dict[str, Any]) -> Any:
    from altune.world import make_world

    return make_world(options["data"], target=options["target"], seed=options["seed"], **_scenario_options(options))


def _playing(options: dict[str, Any]) -> dict[str, Any]:
    """Return what simulate() and compare() take, from a command's own options."""
    taken = {name: options[name] for name in ("data", "target", "model", "seeds", "seed")}
    return {**taken, "n_jobs": options["jobs"], **_scenario_options(options)}


def _scenario_options(options: dict[str, Any]) -> dict[str, Any]:
    from altune.scenario import Scenario

    given: dict[str, Any] = {name: options[name] for name in ("budget", "metric", "objective", "over", "value")}
    given["also"] = options["also"] or None
    given["loops"] = _loops(options["loops"])
    given["price_per_label"] = options["label_price"]
    given["price_per_loop"] = options["loop_price"]
    given["annotators"] = _annotators(options["annotators"])
    given["scenario"] = None if options["scenario"] is None else Scenario.load(options["scenario"])
    if options["blocks"] is not None:
        given |= {"blocks": _read_json(options["blocks"]), "blocks_file": str(options["blocks"])}
    return given


def _loops(text: str | None) -> int | str | None:
    if text is None or text == "unlimited":
        return text
    if not text.isdecimal():
        raise typer.BadParameter(f"--loops takes a number or `unlimited`, not {text!r}")
    return int(text)


def _annotators(text: str | None) -> list[dict[str, float]] | None:
    if text is None:
        return None
    try:
        return [{"error": float(part)} for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"--annotators takes error rates such as 0.1,0.1,0.2, not {text!r}") from None


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    try:
        seconds = float(number) * units[unit]
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise typer.BadParameter(f"--timeout takes a time such as 90s, 10m or 2h, not {text!r}")
    return seconds


def _named_recipes(words: list[str]) -> dict[str, str]:
    from altune.errors import RequestError

    named: dict[str, str] = {}
    for word in words:
        name, found, source = word.partition("=")
        source = source if found else word
        name = name if found else (Path(word).stem if Path(word).suffix else word)
        if name in named:
            raise RequestError(f"two recipes are called {name!r}; tell them apart with NAME=FILE")
        named[name] = source
    return named


def _default_folder(world: Any, space: Any, settings: Any) -> Path:
    from altune.run import run_digest

    return Path("runs") / f"{world.dataset.name}-{space.name or 'space'}-{run_digest(world, space, settings)[:8]}"


def _print_plan(world: Any, space: Any, settings: Any, folder: Path, confirm: bool, as_json: bool) -> None:
    from altune.report.tables import plan_text
    from altune.run import plan

    planned = plan(world, space, settings, folder, confirm)
    _print_json(planned) if as_json else print(plan_text(planned))


def _read_json(path: Path) -> Any:
    from altune.errors import RequestError

    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RequestError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise RequestError(f"{path}: not JSON: {error}") from None


def _write(path: Path, text: str) -> None:
    from altune.plain import write_text

    write_text(path, text)


def _print_json(plain: Any) -> None:
    print(json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False))


if __name__ == "__main__":
    main()
