"""The output directory OUT: lock (one writer), manifest (which job), segments (rows and bodies) and
journal (what is committed)."""
