"""Imports numpy without threads of its OpenBLAS, whose start takes as long as the rest of numpy.

They multiply matrices, which no process of this program does.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy  # noqa: F401
