"""The metrics, objectives and bounds that a scenario names: altune's, scikit-learn's and the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationInfo, field_validator

from altune.core.errors import did_you_mean
from altune.core.plain_model import PlainModel
from altune.core.plugins import broken_hint
from altune.simulation.metrics import check_metric_names
from altune.simulation.objectives import KINDS, SPENT, Constraint, load_objectives, own_objective
from altune.simulation.objectives.own import GROUP as PLUGINS
from altune.simulation.own_metrics import OwnMetric, own_metrics


class ScoredBy(PlainModel):
    """Base of the scenario, with what follows from the names of its metrics and objectives.

    Those of the user travel with it to worker processes, which do not know them.
    """

    if TYPE_CHECKING:  # the scenario has them, in the order of its own fields
        metric: str
        also: tuple[str, ...]
        objective: str | tuple[str, ...]
        constraints: tuple[str, ...]

    @field_validator("metric", "also", "objective", mode="before", check_fields=False)
    @classmethod
    def _named(cls, value: object, field: ValidationInfo) -> object:
        if any(map(callable, value if isinstance(value, (list, tuple)) else [value])):
            what = "objective" if field.field_name == "objective" else "metric"
            raise ValueError(f"give the name of a registered {what}: altune.register_{what}(NAME, ...)")
        return value

    @field_validator("metric", "also", check_fields=False)
    @classmethod
    def _known_metric(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        check_metric_names((value,) if isinstance(value, str) else value)
        return value

    @field_validator("objective", check_fields=False)
    @classmethod
    def _known_objectives(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        names = (value,) if isinstance(value, str) else value
        load_objectives()
        for name in names:
            if name not in KINDS:
                hint = broken_hint(PLUGINS, name)
                raise ValueError(f"unknown objective {name!r}; {hint}{did_you_mean(name, KINDS)}")
        if not names or len(set(names)) < len(names):
            raise ValueError("give one objective, or several different ones")
        if names[0] in SPENT:
            raise ValueError(f"{names[0]} alone is best without any label; give an objective of the score first")
        return names[0] if len(names) == 1 else names

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Every metric that a learning curve records; the first is that of the objective."""
        return (self.metric, *(name for name in self.also if name != self.metric))

    @property
    def objective_names(self) -> tuple[str, ...]:
        """Every objective; the first is the one that is confirmed."""
        return (self.objective,) if isinstance(self.objective, str) else self.objective

    @property
    def constrained(self) -> tuple[str, ...]:
        """Objectives that are bounded."""
        return tuple(bound.name for bound in self.make_constraints())

    def definitions(self) -> dict[str, str]:
        """Return a hash of each metric and objective of the user, which a scenario knows by name only."""
        own = own_metrics()
        names = dict.fromkeys([*self.objective_names, *self.constrained])
        objectives = {name: objective for name in names if (objective := own_objective(name)) is not None}
        return {f"metric {name!r}": own[name].fingerprint() for name in self.metric_names if name in own} | {
            f"objective {name!r}": objective.fingerprint() for name, objective in objectives.items()
        }

    def __getstate__(self) -> dict[Any, Any]:
        # A worker does not know the metrics of the user, so that they travel with the scenario.
        own = own_metrics()
        return {**super().__getstate__(), "own": [own[name] for name in self.metric_names if name in own]}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        metrics: list[OwnMetric] = state.pop("own", [])
        for metric in metrics:
            metric.register()
        super().__setstate__(state)

    def make_constraints(self) -> tuple[Constraint, ...]:
        """Return the bounds that a recipe must keep."""
        return tuple(Constraint.parse(text) for text in self.constraints)
