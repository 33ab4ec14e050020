"""Runs the tests in the order in which they should fail: rules first, browsers last.

Rules, vectors and properties share the cores, and so do real processes among themselves and browsers:
they mostly wait. What fails of the latter two is tried once more, alone, and said.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

TOGETHER = ("tests/unit", "tests/vectors", "tests/property", "tests/simulation")
HISTORIES = "tests/simulation/test_histories.py"
"""Uses all cores by itself."""
THEN = ("tests/fault", "tests/e2e")
NO_TESTS_COLLECTED = 5


def has_tests(folder: str) -> bool:
    return any((ROOT / folder).rglob("test_*.py"))


def pytest(paths: list[str], *options: str) -> int:
    command = [sys.executable, "-m", "pytest", "--durations=8", "--durations-min=3", *options, *paths]
    print(f"\n== {' '.join(command[2:])}", flush=True)
    started = time.monotonic()
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    print(f"== {time.monotonic() - started:.0f} s, exit code {code}", flush=True)
    return code


def once_more(folder: str, *options: str) -> int:
    """Real processes and browsers on a busy machine: what fails is tried once more, and said."""
    code = pytest([folder], "-v", "--no-header", *options)
    if code != 1:
        return code
    print(f"\n== {folder}: SOME FAILED (above). Trying those once more; a pass now means a flaky test.")
    return pytest([folder], "-v", "--no-header", "--last-failed", "--last-failed-no-failures", "none")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", default="2")
    parser.add_argument("paths", nargs="*", help="only these; all of them when none is named")
    chosen = parser.parse_args()
    shared = ["-n", chosen.workers, "--dist", "loadfile"]
    if chosen.paths:
        return pytest(chosen.paths, "-q")
    together = [folder for folder in TOGETHER if has_tests(folder)]
    codes = [pytest(together, "-q", *shared, f"--ignore={HISTORIES}")] if together else []
    codes += [pytest([HISTORIES], "-q", "-s")]
    codes += [once_more(folder, *shared) for folder in THEN if has_tests(folder)]
    if not codes or all(code == NO_TESTS_COLLECTED for code in codes):
        print("no test ran", flush=True)
        return 1
    return max((code for code in codes if code != NO_TESTS_COLLECTED), default=0)


if __name__ == "__main__":
    sys.exit(main())
