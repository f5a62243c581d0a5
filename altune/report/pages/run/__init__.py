"""The page of a run: its figures, tables, words and facts, from the stored study."""
