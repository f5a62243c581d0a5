"""What the current model says about rows of the campaign, or about others with the same columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from altune.campaign.state import CampaignState
    from altune.models import FittedModel


def predictions(state: CampaignState, model: FittedModel, X: Any) -> pd.DataFrame:
    """Return the table of :meth:`altune.Campaign.predict`."""
    import pandas as pd

    rows, n_rows, own = state.rows(more=X), state.ledger.n_rows, X is None
    wanted = np.arange(n_rows) if own else np.arange(n_rows, rows.dataset.n_rows)
    wanted = np.setdiff1d(wanted, list(state.ledger.removed)).astype(np.intp)
    inputs = rows.inputs(wanted, state.recipe.takes_raw)
    codes = model.predict(inputs)
    columns: dict[str, Any] = {"row": [state.id_of(row) for row in wanted.tolist()]} if own else {}
    columns["prediction"] = [state.classes[code] for code in codes.tolist()]
    if model.scores_classes:
        columns["probability"] = model.class_scores(inputs)[np.arange(len(codes)), codes]
    if own:
        known = state.engine().labels(state.ledger)
        labels = [None if row not in known else state.classes[known[row]] for row in wanted.tolist()]
        columns["label"] = pd.Series(labels, dtype=object)
    return pd.DataFrame(columns)
