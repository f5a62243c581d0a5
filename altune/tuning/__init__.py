"""Search and confirmation: Optuna proposes, the player plays, the study keeps."""

from altune.core.settings import no_warnings

# In a notebook, Optuna's progress bar asks for ipywidgets when it is imported. altune shows its own, without widgets.
with no_warnings():
    import optuna  # noqa: F401
