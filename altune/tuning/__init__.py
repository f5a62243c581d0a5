"""Search and confirmation: Optuna proposes, the player plays, the study keeps."""

import warnings

# In a notebook, Optuna's progress bar asks for ipywidgets when it is imported. altune shows its own, without widgets.
warnings.filterwarnings("ignore", message="IProgress not found")
