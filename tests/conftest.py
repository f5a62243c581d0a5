"""One thread for each process, before numpy is imported; small helpers that several tests share."""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

from hypothesis import settings  # noqa: E402

# A deadline in wall time fails on a busy machine for no fault of the code.
settings.register_profile("altune", deadline=None)
settings.load_profile("altune")
