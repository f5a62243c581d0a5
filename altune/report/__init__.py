"""Figures, pages and files made from results.

Only this package imports plotly, and only when one of its names is used, since plotly takes a second to load.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from altune.core.deprecations import new_name

if TYPE_CHECKING:
    from altune.report.amounts import Amounts as Amounts
    from altune.report.figures.ablation import plot_ablation as plot_ablation
    from altune.report.figures.audit import plot_audit as plot_audit
    from altune.report.figures.batch_sizes import plot_batch_sizes as plot_batch_sizes
    from altune.report.figures.class_balance import plot_class_balance as plot_class_balance
    from altune.report.figures.critical_difference import plot_critical_difference as plot_critical_difference
    from altune.report.figures.differences import plot_differences as plot_differences
    from altune.report.figures.effect_surface import plot_effect_surface as plot_effect_surface
    from altune.report.figures.interactions import plot_interactions as plot_interactions
    from altune.report.figures.knob_importance import plot_knob_importance as plot_knob_importance
    from altune.report.figures.knob_importance import plot_parameter_importance as plot_parameter_importance
    from altune.report.figures.labels_to_reach import plot_labels_to_reach as plot_labels_to_reach
    from altune.report.figures.learning_curves import plot_learning_curves as plot_learning_curves
    from altune.report.figures.leave_one_out import plot_leave_one_out as plot_leave_one_out
    from altune.report.figures.method_effects import plot_method_effects as plot_method_effects
    from altune.report.figures.parameter_effects import plot_parameter_effect as plot_parameter_effect
    from altune.report.figures.pareto_front import plot_pareto_front as plot_pareto_front
    from altune.report.figures.points import DifferenceRow as DifferenceRow
    from altune.report.figures.points import FrontAxis as FrontAxis
    from altune.report.figures.points import FrontPoint as FrontPoint
    from altune.report.figures.points import PlayedRow as PlayedRow
    from altune.report.figures.points import TrialPoint as TrialPoint
    from altune.report.figures.pool_map import plot_pool_map as plot_pool_map
    from altune.report.figures.search_blocks import plot_search_blocks as plot_search_blocks
    from altune.report.figures.search_history import plot_search_history as plot_search_history
    from altune.report.figures.spread import plot_spread as plot_spread
    from altune.report.figures.stale_starts import plot_stale_starts as plot_stale_starts
    from altune.report.figures.stopping_rules import plot_stopping_rules as plot_stopping_rules
    from altune.report.figures.time_and_cost import plot_time_and_cost as plot_time_and_cost
    from altune.report.figures.transfer import plot_transfer as plot_transfer
    from altune.report.figures.uncertainty import plot_uncertainty as plot_uncertainty
    from altune.report.figures.win_matrix import plot_win_matrix as plot_win_matrix
    from altune.report.html.blocks import CodeBlock as CodeBlock
    from altune.report.html.blocks import FactsBlock as FactsBlock
    from altune.report.html.blocks import FigureBlock as FigureBlock
    from altune.report.html.blocks import TableBlock as TableBlock
    from altune.report.html.blocks import TextBlock as TextBlock
    from altune.report.html.page import PageContent as PageContent
    from altune.report.html.page import render_page as render_page
    from altune.report.write import write_comparison as write_comparison
    from altune.report.write import write_run as write_run
    from altune.report.write import write_sweep as write_sweep

_HOMES = {
    "Amounts": "amounts",
    "CodeBlock": "html.blocks",
    "DifferenceRow": "figures.points",
    "FactsBlock": "html.blocks",
    "FigureBlock": "html.blocks",
    "FrontAxis": "figures.points",
    "FrontPoint": "figures.points",
    "PageContent": "html.page",
    "PlayedRow": "figures.points",
    "TableBlock": "html.blocks",
    "TextBlock": "html.blocks",
    "TrialPoint": "figures.points",
    "plot_parameter_effect": "figures.parameter_effects",
    "plot_parameter_importance": "figures.knob_importance",
    "render_page": "html.page",
    "write_comparison": "write",
    "write_run": "write",
    "write_sweep": "write",
}
_FIGURES = (
    "ablation audit batch_sizes class_balance critical_difference differences effect_surface interactions "
    "knob_importance labels_to_reach learning_curves leave_one_out method_effects pareto_front pool_map "
    "search_blocks search_history spread stale_starts stopping_rules time_and_cost transfer uncertainty win_matrix"
)
_HOMES |= {f"plot_{name}": f"figures.{name}" for name in _FIGURES.split()}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    current = new_name("altune.report", name)
    if current not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[current]}"), current)
    # `from altune.report import name` asks twice; the second time must not warn again.
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
