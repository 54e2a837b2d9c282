"""What a run's key knows of our own code: all that a worker runs, and nothing else."""

from utils.study.keys_code import followed


def test_a_key_follows_what_trains_and_leaves_the_rest():
    trees, _ = followed("utils.study.workers")
    ours = {f"utils.study.{name}" for name in ("training", "loops", "fitting")}
    ours |= {f"utils.study.{name}" for name in ("losses", "seeding", "compat")}
    assert ours <= set(trees)
    others = ("plots", "data", "check", "capstone", "study.results", "study.engine")
    assert not [
        name for name in trees if name.startswith(tuple(f"utils.{o}" for o in others))
    ]
