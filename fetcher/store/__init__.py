"""The sink's disk: who may write (lock), which job this is (manifest), the rows (segments) and what
of them is committed (journal)."""
