"""The campaign: what is to be labelled now, the answers so far, and the model that they make."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.campaign.answers import check_answers, checked_removal, checked_revocation
from altune.campaign.creation import read_pool, starting
from altune.campaign.events import FILE, EventLog
from altune.campaign.ledger import CANNOT_TELL
from altune.campaign.predictions import predictions
from altune.campaign.rows import fitting, store_rows
from altune.campaign.state import Batch, CampaignState, RowId
from altune.campaign.status import CampaignStatus, status_of
from altune.core.arguments import plain_arguments
from altune.core.errors import RequestError
from altune.core.plain import home_path
from altune.core.streams import Streams
from altune.data.reading import Reading
from altune.recipes.recipe import Recipe
from altune.simulation.given_scenario import scenario_arguments
from altune.simulation.scenario import Scenario
from altune.tuning.storage import ownership

if TYPE_CHECKING:
    import pandas as pd

    from altune.models import FittedModel


class Campaign:
    """A recipe that runs with people as annotators. :meth:`create` begins one, :meth:`open` continues it.

    It is the loop of the simulator: with the same answers it asks for the same rows. A campaign is a folder. Every
    answer is on the disk when :meth:`tell` returns, and the state follows from the log of answers alone, so a process
    that is killed at any moment loses nothing.

    Attributes
    ----------
    folder : folder of the campaign.
    recipe, scenario, classes : as they were at the start.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Campaign.create(folder, "margin", X, classes=[0, 1, 2], budget=30) as campaign:
    ...         while batch := campaign.ask():
    ...             campaign.tell(batch.rows, y[batch.rows])
    ...         campaign.should_stop(), campaign.status().labels_bought
    ('budget', 30)
    """

    def __init__(self, folder: Path, owned: contextlib.ExitStack | None) -> None:
        self.folder = folder
        self._owned = owned
        self._state = CampaignState(folder)
        self.recipe: Recipe = self._state.recipe
        self.scenario: Scenario = self._state.scenario
        self.classes = self._state.classes

    @classmethod
    @plain_arguments(also=scenario_arguments)
    def create(
        cls,
        folder: str | Path,
        recipe: Any,
        pool: Any,
        *,
        classes: Iterable[Any] | None = None,
        budget: int | None = None,
        scenario: Any = None,
        labels: Any = None,
        ids: Any = None,
        annotators: Iterable[str] | None = None,
        hold_out: int = 0,
        target: str | None = None,
        seed: int = 0,
        streams: Streams | None = None,
        **options: Any,
    ) -> Campaign:
        """Begin a campaign in a new folder.

        Parameters
        ----------
        folder : folder of the campaign; it must not exist, or be empty.
        recipe : a recipe, its file or built-in name (``recommended`` for the one of :func:`altune.recommend`), or a
            run or its folder. A run also has the budget, the loops, the metric, the classes and the annotators, unless
            they are given here.
        pool : the rows that may be labelled: an array, a sparse matrix, a DataFrame or a file. They are copied into
            the folder.
        classes : the classes that a label may name, 2 or more.
        budget : number of labels that may be bought; labels that exist already count.
        scenario : a scenario, a mapping of its fields or its file, for metric, loops, annotators and prices.
        labels : labels that exist already, ``(n_rows,)``; None, NaN or an empty text where there is none. They take the
            place of as many rows of the first sample.
        ids : names of the rows, ``(n_rows,)``, or the column that has them; by default rows are named by their
            position.
        annotators : names of the annotators, at least as many as the recipe asks about a row; more may come later.
        hold_out : number of random rows that are labelled to measure the model and never trained on. Their labels are
            bought beyond the budget.
        target : column of a table with labels that exist already.
        seed : seed of all random streams, 0 or more.
        streams : random streams in its place, such as those of a block whose simulation is repeated.
        options : how a file is read, see :class:`altune.data.Reading`, and fields of the scenario.

        Raises
        ------
        RequestError
            If something is missing or does not fit. Then no folder is made.
        StorageError
            If the folder cannot be written.
        """
        where = Path(home_path(folder, "folder"))
        if where.exists() and (not where.is_dir() or any(where.iterdir())):
            raise RequestError(f"{where}: exists already; open the campaign in it, or give a new folder")
        part = read_pool(pool, ids, Reading.taken(options, target), labels=labels)
        start = starting(
            recipe,
            part,
            classes=classes,
            budget=budget,
            scenario=scenario,
            fields=options,
            annotators=annotators,
            hold_out=hold_out,
            seed=seed,
            streams=streams,
        )
        with _owning(where) as owned:
            file = store_rows(where, 1, part.features)
            start.recipe.save(where / "recipe.yaml")
            log = EventLog(where)
            log.append("created", **start.created(file))
            if start.given:
                log.append("given", rows=list(start.given), codes=list(start.given.values()))
            return cls(where, owned.pop_all())

    @classmethod
    def open(cls, folder: str | Path, *, read_only: bool = False) -> Campaign:
        """Open the campaign of a folder.

        Parameters
        ----------
        folder : folder of the campaign.
        read_only : whether only to look, which is possible while another process has the campaign open.

        Raises
        ------
        RequestError
            If the folder has no campaign, or another process has it open.
        StorageError
            If a file of it cannot be read.
        """
        where = Path(home_path(folder, "folder"))
        if not (where / FILE).is_file():
            raise RequestError(f"{where}: has no campaign; Campaign.create (altune campaign start) begins one")
        if read_only:
            return cls(where, None)
        with _owning(where) as owned:
            return cls(where, owned.pop_all())

    def close(self) -> None:
        """Release the folder, so that another process may open it."""
        if self._owned is not None:
            self._owned.close()
            self._owned = None

    def __enter__(self) -> Campaign:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Campaign({str(self.folder)!r}): {self.status().summary}"

    def _repr_html_(self) -> str:
        return self.status()._repr_html_()

    # labelling ------------------------------------------------------------------------------------------------

    def ask(self, annotator: str | None = None) -> Batch:
        """Return what is to be labelled now: the same until it is answered, and nothing once the campaign has ended.

        Where a batch is complete, the model is trained and the next batch chosen here.

        Parameters
        ----------
        annotator : name of who asks. Rows that are meant for this annotator come first, and those that the annotator
            has answered in this batch are left out.
        """
        self._advance()
        return self._state.open_batch(annotator)

    def tell(self, rows: Any, labels: Any, annotator: Any = None, *, seconds: Any = None) -> None:
        """Take answers: a part of the batch in any order, or corrections of earlier labels.

        The answers are on the disk when this returns. Giving an answer a second time changes nothing.

        Parameters
        ----------
        rows : id of a row, or several, ``(n,)``.
        labels : the class of each, ``(n,)``; None for a row about which the annotator cannot tell. That is no label
            bought, and the row is not asked about again.
        annotator : name of who answers, or a name for each answer; by default each answer is by the annotator for whom
            its row is meant.
        seconds : time that the answers took, for all or for each; None if it is not known.

        Raises
        ------
        RequestError
            If an answer does not fit, such as one about a row that was not asked about. Then none is taken.
        """
        problems = self._take(rows, labels, annotator, seconds, as_text=False)
        if problems:
            raise RequestError(problems[0][1])

    def tell_all(self, rows: Any, labels: Any, annotator: Any = None, seconds: Any = None) -> list[tuple[int, str]]:
        """Take answers as :meth:`tell` does, with rows and classes as texts; return all that is wrong.

        Returns
        -------
        The position of each answer that does not fit, and why; empty if all were taken, else none was.
        """
        return self._take(rows, labels, annotator, seconds, as_text=True)

    def _take(self, rows: Any, labels: Any, annotator: Any, seconds: Any, *, as_text: bool) -> list[tuple[int, str]]:
        self._require_owned()
        answers, problems = check_answers(self._state, rows, labels, annotator, seconds, as_text=as_text)
        if answers and not problems:
            self._state.note("told", answers=answers)
        return problems

    def revoke(self, rows: Any, annotator: str | None = None) -> None:
        """Take answers back. A row of the current batch is asked about again; any other remains without the answer.

        Parameters
        ----------
        rows : id of a row, or several.
        annotator : name of who gave the answers; by default their only annotator.

        Raises
        ------
        RequestError
            If there is no such answer, or no label would remain to train on. Then none is taken back.
        """
        self._require_owned()
        self._state.note("revoked", answers=checked_revocation(self._state, rows, annotator))

    def add_rows(self, pool: Any, *, ids: Any = None, **options: Any) -> None:
        """Add rows to the pool. They may be asked about from the next batch on.

        Parameters
        ----------
        pool : rows with the columns of the pool, in any form that :meth:`create` takes.
        ids : names of the rows, or their column, if the rows of the pool have names.
        options : how a file is read; a ``target`` column is left out.

        Raises
        ------
        RequestError
            If the rows do not fit the pool.
        """
        self._require_owned()
        state, part = self._state, read_pool(pool, ids, _reading(options))
        if (part.ids is None) != (state.ids is None):
            raise RequestError(
                "the rows of this campaign are named by their position; leave the ids out"
                if state.ids is None
                else "the rows of this campaign have names; give those of the new rows (ids)"
            )
        if doubled := sorted(set(part.ids or ()) & set(state.ids or ()), key=str):
            raise RequestError(f"a row is named {doubled[0]!r} already; give each row a name of its own")
        state.rows(more=part.features)  # raises where columns or values do not fit
        file = store_rows(self.folder, state.n_files + 1, fitting(state.part(0), part.features))
        state.note("added", rows=part.n_rows, ids=part.ids, file=file)

    def remove_rows(self, rows: Any) -> None:
        """Take rows out of the pool: they are neither asked about nor trained on from now on.

        Raises
        ------
        RequestError
            If there is no such row, or no label would remain to train on.
        """
        self._require_owned()
        places = checked_removal(self._state, rows)
        if places:
            self._state.note("removed", rows=places)

    # results --------------------------------------------------------------------------------------------------

    def should_stop(self) -> str | None:
        """Return why the campaign has ended: ``budget``, ``loops``, ``pool`` or its stopping rule; None if it runs."""
        self._advance()
        return self._state.ledger.stopped or None

    def status(self) -> CampaignStatus:
        """Return how far the campaign is, from the log alone: nothing is trained."""
        return status_of(self._state.ledger, self.scenario)

    @property
    def model(self) -> FittedModel:
        """The current model.

        Raises
        ------
        RequestError
            Before the first one.
        """
        self._advance()
        model = self._state.engine().loop.model
        if model is None:
            raise RequestError("there is no model yet: the first batch is not complete")
        return model

    def labels(self) -> dict[RowId, Any]:
        """Return the label of each row that has one, by id; the recipe combines the answers about a row into one.

        Labels of the current batch count once it is complete.
        """
        state = self._state
        found = state.engine().labels(state.ledger)
        return {state.id_of(row): self.classes[code] for row, code in sorted(found.items())}

    def shown(self, rows: Any) -> pd.DataFrame:
        """Return rows as they were given, one line for each id."""
        return self._state.shown([self._state.position_of(name) for name in rows])

    def answers(self) -> pd.DataFrame:
        """Return all answers in their order, from the log alone.

        Returns
        -------
        A table with a line for each answer: ``row`` (its id), ``label`` (None for a row about which the annotator could
        not tell), ``annotator``, ``kind`` (``answered``, ``skipped`` or ``corrected``), ``seconds`` and ``time``.
        """
        import pandas as pd

        state = self._state
        lines = [
            {
                "row": state.id_of(answer.row),
                "label": None if answer.code == CANNOT_TELL else self.classes[answer.code],
                "annotator": state.ledger.names[answer.annotator],
                "kind": answer.kind,
                "seconds": answer.seconds,
                "time": answer.time,
            }
            for answer in state.ledger.answers
        ]
        return pd.DataFrame(lines, columns=["row", "label", "annotator", "kind", "seconds", "time"])

    def predict(self, X: Any = None, **options: Any) -> pd.DataFrame:
        """Return the predictions of the current model.

        Parameters
        ----------
        X : rows with the columns of the pool, also as a file; None for all rows of the campaign.
        options : how a file is read, see :class:`altune.data.Reading`.

        Returns
        -------
        A table with a line for each row: ``row`` (its id) for rows of the campaign, ``prediction``, ``probability`` of
        the predicted class if the model has class scores, and for rows of the campaign ``label``, None without one.
        """
        if X is not None:
            X = read_pool(X, None, _reading(options)).features
        return predictions(self._state, self.model, X)

    def _advance(self) -> None:
        if self._owned is not None:
            self._state.advance()

    def _require_owned(self) -> None:
        if self._owned is None:
            raise RequestError(f"{self.folder}: the campaign is open for reading only, or closed; open it again")


@contextlib.contextmanager
def _owning(folder: Path) -> Any:
    """Yield a stack that owns the folder, and that releases it unless ``pop_all`` takes it over."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(ownership(folder, "campaign"))
        yield stack


def _reading(options: dict[str, Any]) -> Reading:
    """Return how a file is read, and refuse what is no option of that."""
    reading = Reading.taken(options, options.pop("target", None))
    if options:
        raise TypeError(f"unexpected keyword argument {next(iter(options))!r}")
    return reading
