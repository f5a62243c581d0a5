"""Where the repository is, and what its tests have stored."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
STORED = ROOT / "tests" / "stored"
