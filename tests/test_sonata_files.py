#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens what `hillock run` writes with h5py and reads it the way SONATA's readers do.

Usage: test_sonata_files.py HILLOCK. Exit 77 where h5py or numpy is not installed: skipped.
"""
import importlib.util
import os
import subprocess
import sys
import tempfile

for needed in ("h5py", "numpy"):
    if not importlib.util.find_spec(needed):
        print(f"skipped: {needed} is not here")
        sys.exit(77)
import h5py  # noqa: E402
import numpy as np  # noqa: E402

CONFIG = """
simulation: {duration: 200 ms, seed: 3}
populations:
  exc:
    model: iaf_psc_exp
    size: 20
    params: {I_e: 400 pA}
    init: {V_m: {uniform: [-70 mV, -55 mV]}}
  quiet: {model: iaf_psc_delta, size: 7}
projections:
  - {source: exc, target: exc, rule: {fixed_indegree: 3}, weight: 20 pA, delay: 1.5 ms}
record:
  spikes: [exc, quiet]
  traces:
    - {name: both, population: exc, neurons: [3, 0, 7], variables: [V_m, I_syn_ex], interval: 0.5 ms}
    - {name: one, population: quiet, neurons: [6], variables: [V_m], interval: 0.1 ms}
"""


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def check_root(root):
    assert root.attrs["magic"] == 0x0A7A and root.attrs["magic"].dtype == np.uint32
    assert root.attrs["version"].tolist() == [0, 1] and root.attrs["version"].dtype == np.uint32


def read_as_libsonata(group):
    """The enum on the group; units must be there; queries by time bisect, so the order must be real."""
    attribute = h5py.h5a.open(group.id, b"sorting")
    kind = attribute.get_type()
    assert isinstance(kind, h5py.h5t.TypeEnumID) and kind.get_size() == 1
    names = {kind.get_member_value(i): kind.get_member_name(i) for i in range(kind.get_nmembers())}
    assert names == {0: b"none", 1: b"by_id", 2: b"by_time"}
    assert attribute.get_space().get_simple_extent_type() == h5py.h5s.SCALAR
    assert names[int(group.attrs["sorting"])] == b"by_time"
    units = h5py.h5a.open(group["timestamps"].id, b"units")
    assert units.get_type().is_variable_str() and units.get_type().get_cset() == h5py.h5t.CSET_UTF8
    assert text(group["timestamps"].attrs["units"]) == "ms"
    times, ids = group["timestamps"][:], group["node_ids"][:]
    assert times.dtype == np.dtype("<f8") and ids.dtype == np.dtype("<u8")
    begin, end = np.searchsorted(times, [50.0, 100.0])
    inside = (times >= 50.0) & (times < 100.0)
    assert inside.sum() == end - begin and inside[begin:end].all()
    return times, ids


def read_as_bmtk(group):
    """bmtk and pysonata look for a text on node_ids first, and go by its order."""
    sorting = text(group["node_ids"].attrs["sorting"])
    assert sorting == "by_time"
    times, ids = group["timestamps"], group["node_ids"]
    assert len(times) == len(ids) and times.maxshape == (None,) and times.chunks
    return {int(i): times[:][ids[:] == i] for i in np.unique(ids[:])}


def check_spikes(folder):
    with h5py.File(os.path.join(folder, "spikes.h5"), "r") as root:
        check_root(root)
        assert sorted(root["spikes"]) == ["exc", "quiet"]
        times, ids = read_as_libsonata(root["spikes/exc"])
        assert len(times) > 50 and ids.max() < 20 and times.min() >= 0.0 and times.max() <= 200.0
        order = np.lexsort((ids, times))
        assert (order == np.arange(len(times))).all()
        trains = read_as_bmtk(root["spikes/exc"])
        assert sum(len(train) for train in trains.values()) == len(times)
        times, ids = read_as_libsonata(root["spikes/quiet"])
        assert len(times) == 0 and len(ids) == 0 and read_as_bmtk(root["spikes/quiet"]) == {}
        notes = root["provenance"].attrs
        assert notes["complete"] == 1 and notes["complete"].dtype == np.int8
        assert notes["size_exc"] == 20 and notes["size_quiet"] == 7
        return root["spikes/exc/timestamps"][:], root["spikes/exc/node_ids"][:]


def read_report(path, population, variable, unit):
    with h5py.File(path, "r") as root:
        check_root(root)
        assert list(root["report"]) == [population]
        report = root["report"][population]
        data, mapping = report["data"], report["mapping"]
        assert data.dtype == np.dtype("<f4") and text(data.attrs["units"]) == unit
        assert text(data.attrs["variable"]) == variable
        nodes, pointers = mapping["node_ids"][:], mapping["index_pointers"][:]
        assert nodes.dtype == np.dtype("<u8") and pointers.dtype == np.dtype("<u8")
        assert len(pointers) == len(nodes) + 1
        assert mapping["index_pointer"] == mapping["index_pointers"]  # one object of two names
        assert mapping["element_ids"].dtype == np.dtype("<u4") and len(mapping["element_ids"]) == data.shape[1]
        assert mapping["element_pos"].dtype == np.dtype("<f4") and len(mapping["element_pos"]) == data.shape[1]
        start, stop, step = mapping["time"][:]
        assert mapping["time"].dtype == np.dtype("<f8") and text(mapping["time"].attrs["units"]) == "ms"
        assert round((stop - start) / step) == data.shape[0]
        assert abs((stop - start) / step - data.shape[0]) < 1e-6
        columns = {int(n): data[:, int(pointers[i]):int(pointers[i + 1])] for i, n in enumerate(nodes)}
        assert all(column.shape[1] == 1 for column in columns.values())
        return start, step, {n: column[:, 0] for n, column in columns.items()}


def check_traces(folder, times, ids):
    start, step, voltage = read_report(os.path.join(folder, "both_V_m.h5"), "exc", "V_m", "mV")
    assert (start, step) == (0.0, 0.5) and list(voltage) == [3, 0, 7]
    _, _, current = read_report(os.path.join(folder, "both_I_syn_ex.h5"), "exc", "I_syn_ex", "pA")
    assert all(column.min() >= 0.0 for column in current.values())
    for node, column in voltage.items():
        assert len(column) == 401 and np.isfinite(column).all() and column.max() < -55.0
        # refractory for 2 ms after each spike: the sample 1 ms later is the reset potential
        for spike in times[ids == node]:
            sample = int((spike + 1.0) / step)
            if sample * step > spike and sample < len(column):
                assert column[sample] == -70.0, (node, spike)
    _, step, voltage = read_report(os.path.join(folder, "one.h5"), "quiet", "V_m", "mV")
    assert step == 0.1 and list(voltage) == [6] and len(voltage[6]) == 2001 and (voltage[6] == -70.0).all()


def main():
    with tempfile.TemporaryDirectory() as folder:
        config, results = os.path.join(folder, "net.yaml"), os.path.join(folder, "results")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG)
        subprocess.run([sys.argv[1], "run", config, "-o", results], check=True)
        times, ids = check_spikes(results)
        check_traces(results, times, ids)
    print("all of it reads well with h5py", h5py.__version__)


main()
