# SPDX-License-Identifier: GPL-3.0-or-later
"""Statistics, exports and the Python example against numpy, h5py, Neo.

usage: check_view.py SOURCE_ROOT HILLOCK
"""
import csv
import importlib.util
import json
import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np

root, hillock = sys.argv[1:3]
shared = os.environ.get("HK_SHARED", os.path.join(root, "..", "shared"))


def run(*arguments, code=0):
    done = subprocess.run([hillock, *arguments], capture_output=True, text=True)
    assert done.returncode == code, (arguments, done.returncode, done.stderr)
    return done


def write(path, populations, sizes=None, duration=None, sorting="none"):
    with h5py.File(path, "w") as file:
        for name, (times, ids) in populations.items():
            group = file.create_group(f"spikes/{name}")
            group.attrs["sorting"] = sorting
            group["timestamps"] = np.asarray(times, float)
            group["timestamps"].attrs["units"] = "ms"
            group["node_ids"] = np.asarray(ids, np.uint64)
        if duration is not None:
            notes = file.create_group("provenance")
            notes.attrs["duration"] = float(duration)
            for name, size in (sizes or {}).items():
                notes.attrs[f"size_{name}"] = float(size)


def naive(times, ids, size, duration, window=100.0, pair_bin=5.0, sync_bin=3.0, sample=200):
    """Every statistic by its definition."""
    trains = [np.sort(times[ids == i]) for i in range(size)]
    rates = np.array([1000 * len(t) / duration for t in trains])
    gaps = [np.diff(t) for t in trains if len(t) >= 3]

    def counts(t, width):
        whole = int(duration / width)
        index = np.floor(t / width).astype(int)
        return np.bincount(index[index < whole], minlength=whole)

    windows = [c for c in (counts(t, window) for t in trains) if c.sum()]
    members = [int(k * (size / min(sample, size))) for k in range(min(sample, size))]
    binned = np.array([c for c in (counts(trains[m], pair_bin) for m in members) if c.std() > 0])
    pairs = np.corrcoef(binned)[np.tril_indices(len(binned), -1)] if len(binned) > 1 else np.array([])
    together = counts(times, sync_bin)
    return {
        "rate_hz": (rates.mean(), rates.std(ddof=1)),
        "cv": (np.mean([g.std() / g.mean() for g in gaps]), len(gaps)),
        "lv": np.mean([3 * np.mean(((g[1:] - g[:-1]) / (g[1:] + g[:-1])) ** 2) for g in gaps]),
        "fano": np.mean([c.var() / c.mean() for c in windows]),
        "correlation": (pairs.mean(), len(pairs)),
        "synchrony": together.var() / together.mean(),
    }


def check_statistics(path, populations, sizes, duration, *options):
    found = json.loads(run("stats", path, "--json", *options).stdout)
    assert [p["name"] for p in found["populations"]] == list(populations)
    for stats in found["populations"]:
        times, ids = populations[stats["name"]]
        wanted = naive(times, ids, sizes[stats["name"]], duration)
        close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
        assert stats["spikes"] == len(times) and stats["active"] == len(np.unique(ids))
        close((stats["rate_hz"]["mean"], stats["rate_hz"]["sd"]), wanted["rate_hz"])
        close((stats["cv"]["mean"], stats["cv"]["neurons"]), wanted["cv"])
        close(stats["lv"]["mean"], wanted["lv"])
        close(stats["fano"]["mean"], wanted["fano"])
        close((stats["correlation"]["mean"], stats["correlation"]["pairs"]), wanted["correlation"])
        close(stats["synchrony"], wanted["synchrony"])


def made(random):
    """Two populations, one of gamma trains and one driven in common, in no order."""
    times = [np.cumsum(random.gamma(3, 10, 60)) for _ in range(80)]
    ids = np.repeat(np.arange(80), 60)
    times = np.concatenate(times)
    keep = times < 1700
    volleys = random.uniform(0, 1700, 40)
    volley_ids = random.integers(0, 300, 2000)
    populations = {
        "gamma": (times[keep], ids[keep]),
        "volleys": (random.choice(volleys, 2000) + random.normal(0, 1, 2000).clip(-1, 1) % 1, volley_ids),
    }
    for name, (times, ids) in populations.items():
        order = random.permutation(len(times))
        populations[name] = times[order], ids[order]
    return populations


def check_export(path, populations, folder):
    def as_set(times, ids):
        return sorted(zip(map(float, times), map(int, ids)))

    with open(os.path.join(folder, "out.csv"), "w", newline="") as file:
        file.write(run("export", path).stdout)
    assert run("export", path, "-o", "-").stdout == run("export", path).stdout
    assert run("stats", path, "-o", "-").stdout == run("stats", path).stdout
    with open(os.path.join(folder, "out.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    for name, (times, ids) in populations.items():
        mine = [(float(r["time_ms"]), int(r["neuron"])) for r in rows if r["population"] == name]
        assert mine == sorted(mine) and mine == as_set(times, ids)
    run("import", os.path.join(folder, "out.csv"), "-o", os.path.join(folder, "back.h5"), "--overwrite")
    with h5py.File(os.path.join(folder, "back.h5")) as file:
        for name, (times, ids) in populations.items():
            group = file["spikes"][name]
            assert as_set(group["timestamps"][:], group["node_ids"][:]) == as_set(times, ids)
            assert np.all(np.diff(group["timestamps"][:]) >= 0)
    run("export", path, "--format", "gdf", "--split", "-o", os.path.join(folder, "nest.gdf"))
    for name, (times, ids) in populations.items():
        table = np.loadtxt(os.path.join(folder, f"nest-{name}.gdf"), ndmin=2)
        assert [(t, int(i)) for i, t in table] == as_set(times, ids)


def check_neo(path, population, times, ids, size, duration, folder):
    if not importlib.util.find_spec("neo"):
        print("skipped: python3-neo is not here")
        return
    import neo
    import quantities

    target = os.path.join(folder, "neo.gdf")
    run("export", path, "--population", population, "--format", "gdf", "-o", target)
    end = duration * quantities.ms
    segment = neo.io.NestIO([target]).read_segment(gid_list=list(range(size)), t_start=0 * quantities.ms, t_stop=end)
    assert len(segment.spiketrains) == size
    for i, train in enumerate(segment.spiketrains):
        np.testing.assert_array_equal(train.rescale("ms").magnitude, np.sort(times[ids == i]))
    print(f"Neo {neo.__version__}'s NestIO reads {len(segment.spiketrains)} trains")


def check_example(path, populations, sizes, duration, folder):
    example = os.path.join(root, "scripts", "analyse")
    picture = [os.path.join(folder, "example.png")]
    if not importlib.util.find_spec("matplotlib"):
        print("skipped: matplotlib is not here, the example draws nothing")
        picture = []
    done = subprocess.run([sys.executable, example, path, *picture], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines()[1:]:
        name, neurons, spikes, rate, cv = line.split()
        times, ids = populations[name]
        wanted = naive(times, ids, sizes[name], duration)
        assert int(neurons) == sizes[name] and int(spikes) == len(times)
        assert abs(float(rate) - wanted["rate_hz"][0]) < 1e-3 and abs(float(cv) - wanted["cv"][0]) < 1e-3
    assert all(os.path.getsize(p) > 10000 for p in picture)


def check_hostile(folder):
    """Nothing that stands in a file crashes; what is repaired is said."""
    path = os.path.join(folder, "hostile.h5")
    pictures = [os.path.join(folder, "hostile" + ending) for ending in (".png", ".svg", ".pdf")]
    odd = [np.nan, -1.0, np.inf, 5.0, 3.0, 1e300, 0.0]
    write(path, {"a": (odd, [0, 1, 2, 3, 10, 5, 2**64 - 1])})
    for command in (["stats", path], ["raster", path], ["export", path], ["raster", path, "-o", pictures[0]]):
        run(*command, code=2)  # no size can be told
        done = run(*command, "--population-size", "a=8")
        assert "3 spikes of `a` are at times that are negative or no number" in done.stderr, done.stderr
        assert "ids of 8 or more" in done.stderr, done.stderr
    write(path, {"a": ([3.0, 1.0, 2.0], [0, 0, 0])}, {"a": 1}, 10, sorting="by_time")
    assert "sorted by time" in run("stats", path, code=2).stderr  # a lie about itself
    write(path, {"a": ([], []), "b": ([], [])})
    for picture in pictures:
        run("raster", path, "-o", picture)
        assert os.path.getsize(picture) > 1000
    run("stats", path)


def main():
    random = np.random.default_rng(5)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "made.h5")
        populations = made(random)
        sizes = {"gamma": 90, "volleys": 300}
        write(path, populations, sizes, 1750.0)
        check_statistics(path, populations, sizes, 1750.0)
        check_export(path, populations, folder)
        check_example(path, populations, sizes, 1750.0, folder)
        check_neo(path, "gamma", *populations["gamma"], sizes["gamma"], 1750.0, folder)
        check_hostile(folder)
        published = os.path.join(shared, "sonata", "300_intfire", "reference", "spikes.h5")
        if os.path.lexists(published):
            with h5py.File(published) as file:
                group = file["spikes/v1"]
                v1 = {"v1": (group["timestamps"][:], group["node_ids"][:].astype(int))}
            check_statistics(published, v1, {"v1": 300}, v1["v1"][0].max())
            check_export(published, v1, folder)
        else:
            print(f"skipped: {published} is not here")
    print("done")


main()
