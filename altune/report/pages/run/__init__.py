"""The page of a run: its figures, tables and facts, from the stored study."""
