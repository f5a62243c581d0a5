"""Titles and labels of figures."""

from __future__ import annotations

import plotly.graph_objects as go

from altune.report import Amounts


def title_of(figure: go.Figure) -> str:
    """Return title and subtitle on one line."""
    return str(figure.layout.title.text).replace("\xa0", " ").replace(",<br>", ", ")


LABELS = Amounts(1, "labels", less_is_better=True)
