"""Twenty kills at random moments: what is finished stays, and the table is the same.

    python benchmarks/study_kills.py

Ten times the parent, ten times a worker; the tests do the same three times. About ten
minutes on two cores.
"""

import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from tests.study.test_faults import calm_study, disturbed_study  # noqa: E402


def main():
    with tempfile.TemporaryDirectory() as folder:
        calm = calm_study(pathlib.Path(folder) / "calm" / "runs")
        for seed in range(20):
            victim = "parent" if seed % 2 else "worker"
            runs = pathlib.Path(folder) / str(seed) / "runs"
            same = disturbed_study(runs, victim, seed).equals(calm)
            print(
                f"kill {seed + 1:2} of a {victim}: table identical: {same}", flush=True
            )


if __name__ == "__main__":
    main()
