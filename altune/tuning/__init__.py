"""Search and confirmation: Optuna proposes, the player plays, the study keeps."""

import sys

from altune.core.settings import no_warnings

# In a notebook, Optuna's progress bar asks for ipywidgets when it is imported. altune shows its own, without widgets.
if "ipykernel" in sys.modules:
    with no_warnings():
        import optuna  # noqa: F401
