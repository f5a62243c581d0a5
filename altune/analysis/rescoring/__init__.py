"""The trials of a run ranked by another objective."""
