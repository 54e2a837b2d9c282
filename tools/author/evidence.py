"""Try the course's claims in four worlds, and keep a row for each: docs/evidence.csv.

    python tools/author/evidence.py [WORLD ...]      (default: all; such as "MNIST")

MNIST and CIFAR-10 come from mnist_10k.npz and cifar10_10k.npz, 10,000 images each in
Keras' layout, in the folder that COURSE_DATA names or in data/; a world whose file is
not there keeps its rows. It takes hours. Finished runs stay in build/evidence, and a
chapter's rows are written as soon as it is done: stop it, and call it again to go on.
"""

import argparse
import hashlib
import importlib.metadata
import os
import platform
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import evidence_page  # noqa: E402
from claims import CLAIMS, FEW_STEPS, WORLDS, others, strengths, trap  # noqa: E402

from utils.data import DataError  # noqa: E402
from utils.plots.evidence import ENDS, EVIDENCE  # noqa: E402
from utils.study import adjusted, run  # noqa: E402

RUNS = ROOT / "build" / "evidence"
SEEDS = range(20, 25)  # they chose nothing, in no chapter


def train(conditions, world, seeds, epochs=None):
    epochs = epochs or world.epochs
    return run(conditions, world.data, epochs=epochs, seeds=seeds, cache_dir=RUNS)


def tuned(methods, world):
    """The strength of each method with the best validation accuracy: {name: strength}.

    methods: {name: (function of a strength, strengths)}. Of equals the first.
    """
    trials = {
        f"{name} {strength}": make(strength)
        for name, (make, values) in methods.items()
        for strength in values
    }
    found = train(trials, world, world.seeds).summary("val_accuracy")["mean"]
    return {
        name: max(values, key=lambda strength: found[f"{name} {strength}"])
        for name, (_, values) in methods.items()
    }


def steps(world):
    """The epochs of the network that is trained for few steps."""
    return max(1, round(FEW_STEPS / -(-world.train_size // 32)))


def parts(name, methods):
    """The methods whose strengths a condition uses: itself, or what it combines."""
    if name in methods:
        return {name}
    combined = ("L2", "dropout", "shifts") if name == "all four" else name.split(", ")
    return set(combined) & set(methods)


def studies(claims, world):
    """What the claims compare, trained: {condition: its `Results`}, and the strengths.

    claims: {id: (words, condition, the other)}.
    """
    names = {name for _, *pair in claims.values() for name in pair}
    methods = strengths(world)
    needed = set().union(*(parts(name, methods) for name in names))
    chosen = tuned({name: methods[name] for name in methods if name in needed}, world)
    chosen_only = {name: methods[name][0](value) for name, value in chosen.items()}
    fixed = others(world, {"L2": 0.0, "dropout": 0.0, "shifts": 0} | chosen)
    conditions = {k: v for k, v in (chosen_only | fixed).items() if k in names}
    found = dict.fromkeys(conditions, train(conditions, world, SEEDS))
    if names & set(trap(world)):
        few = train(trap(world), world, SEEDS, steps(world))
        found |= dict.fromkeys(trap(world), few)
    return found, chosen


def rows(chapter, world):
    """A chapter's rows in one world, their verdicts adjusted by Holm's method."""
    claims = {k: v for k, v in CLAIMS.items() if k.startswith(f"E{chapter}.")}
    found, chosen = studies(claims, world)
    table = [
        {
            "id": name,
            "claim": words,
            "chapter": chapter,
            "world": world.name,
            "data": data_of(world),
            "condition": a,
            "reference": b,
            "strengths": spoken(chosen, a, b),
            "epochs": steps(world) if a in trap(world) else world.epochs,
            "seeds": f"{SEEDS[0]}-{SEEDS[-1]}",
        }
        for name, (words, a, b) in claims.items()
    ]
    for at in ENDS:
        compared = [found[r["condition"]].compare(*pair(r), at=at) for r in table]
        for row, one in zip(table, adjusted(compared), strict=True):
            row |= {
                f"difference_{at}": one.difference,
                f"low_{at}": one.low,
                f"high_{at}": one.high,
                f"wins_{at}": one.wins,
                f"verdict_{at}": one.verdict,
            }
    return [row | made_with() for row in table]


def pair(row):
    return row["condition"], row["reference"]


def spoken(chosen, *names):
    """The strengths that conditions use, in words."""
    used = set().union(*(parts(name, chosen) for name in names))
    return "; ".join(
        f"{name} {value}" for name, value in chosen.items() if name in used
    )


def data_of(world):
    """Name the images that a world draws from, with a digest of them."""
    data, digest = world.data(0), hashlib.sha256()
    for part in (data.x_val, data.x_test, data.y_test):
        digest.update(part.tobytes())
    part = " (a part of the set)" if world.source.endswith("_10k") else ""
    return f"{world.source}{part} {digest.hexdigest()[:12]}"


def made_with():
    versions = (f"{p} {importlib.metadata.version(p)}" for p in ("tensorflow", "keras"))
    return {"versions": ", ".join(versions), "processor": processor()}


def processor():
    """The processor's name, as far as the system tells."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def keep(new):
    """Put rows into the table, in place of those of the same claim and world."""
    table = {}
    if EVIDENCE.is_file():
        old = pd.read_csv(EVIDENCE, dtype=str).to_dict("records")
        table = {(row["id"], row["world"]): row for row in old}
    for row in new:
        table[row["id"], row["world"]] = {k: written(v) for k, v in row.items()}
    worlds = [world.name for world in WORLDS]
    order = sorted(table, key=lambda key: (key[0], worlds.index(key[1])))
    frame = pd.DataFrame([table[key] for key in order])
    temporary = EVIDENCE.with_suffix(".tmp")
    frame.to_csv(temporary, index=False, lineterminator="\n")
    temporary.replace(EVIDENCE)


def written(value):
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def chapters(world):
    found = sorted({name[1:3] for name in CLAIMS})
    return [one for one in found if one != "07" or world.sequences]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [world.name for world in WORLDS]
    parser.add_argument("worlds", nargs="*", metavar="WORLD", help=", ".join(names))
    wanted = parser.parse_args().worlds or names
    if unknown := set(wanted) - set(names):
        parser.error(f"no world {sorted(unknown)}; there are {names}")
    os.environ.setdefault("COURSE_DATA", str(ROOT / "data"))
    for world in WORLDS:
        if world.name not in wanted:
            continue
        try:
            world.data(0)
        except DataError as error:
            print(f"{world.name}: its rows stay as they are. {error}", file=sys.stderr)
            continue
        for chapter in chapters(world):
            keep(rows(chapter, world))
            print(f"{world.name}: chapter {chapter} is done", flush=True)
    evidence_page.make()
    return 0


if __name__ == "__main__":
    sys.exit(main())
