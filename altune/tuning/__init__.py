"""Search and confirmation: Optuna proposes, the player plays, the study keeps."""
