"""The side of Python of bench/search: prints a line of JSON for each way to search.

It measures those of faiss, hnswlib and usearch that are installed, on one thread.
"""
import json
import os
import sys
import time

# Settings that pin an old BLAS kernel would make faiss slower than it is.
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)

import numpy as np

task = json.load(open(sys.argv[1]))
dim, k = task["dim"], task["k"]
queries = np.fromfile(task["queries"], np.float32).reshape(-1, dim)
near = np.fromfile(task["true"], np.int32).reshape(len(queries), -1)


def held():
    """The memory that the process holds, in MiB."""
    try:
        with open("/proc/self/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return 0


def cpu():
    return time.process_time()


def measure(library, way, search, build, memory):
    latencies, hits = [], 0
    for i in range(len(queries)):
        began = time.perf_counter()
        found = search(queries[i : i + 1])
        latencies.append((time.perf_counter() - began) * 1e6)
        hits += len(set(np.asarray(found).reshape(-1).tolist()) & set(near[i].tolist()))
    latencies.sort()
    speed = 0
    for _ in range(3):
        began = cpu()
        search(queries)
        speed = max(speed, len(queries) / (cpu() - began))
    print(json.dumps({
        "library": library, "way": way, "recall": hits / near.size, "p50_us": latencies[len(latencies) // 2],
        "p99_us": latencies[len(latencies) * 99 // 100], "queries_per_s": speed, "build_s": build, "mib": memory}), flush=True)


def rows():
    return np.fromfile(task["rows"], np.float32).reshape(-1, dim)


def built(make):
    before, x = held(), rows()
    size = x.nbytes / 2**20
    began = cpu()
    index = make(x)
    took = cpu() - began
    return index, took, held() - before - size


def kept(name, make, write, read):
    """A graph that was kept in a file, or one that is built."""
    if not task["keep"]:
        return built(make)
    file, facts = task["keep"] + name, task["keep"] + name + ".json"
    if os.path.exists(facts):
        told = json.load(open(facts))
        return read(file), told["build_s"], told["mib"]
    index, build, memory = built(make)
    write(index, file)
    with open(facts, "w") as f:
        json.dump({"build_s": build, "mib": memory}, f)
    return index, build, memory


def with_faiss():
    import faiss

    faiss.omp_set_num_threads(1)
    library = "faiss " + faiss.__version__

    def flat(x):
        index = faiss.IndexFlatL2(dim)
        index.add(x)
        return index

    index, build, memory = built(flat)
    measure(library, "flat", lambda q: index.search(q, k)[1], build, memory)
    if not task["graph"]:
        return

    def graph(x):
        index = faiss.IndexHNSWFlat(dim, task["links"])
        index.hnsw.efConstruction = task["build"]
        index.add(x)
        return index

    del index
    index, build, memory = kept("faiss", graph, faiss.write_index, faiss.read_index)
    for effort in task["efforts"]:
        index.hnsw.efSearch = effort
        measure(library, f"HNSW, efSearch {effort}", lambda q: index.search(q, k)[1], build, memory)


def with_hnswlib():
    import hnswlib

    def graph(x):
        index = hnswlib.Index("l2", dim)
        index.init_index(len(x), M=task["links"], ef_construction=task["build"], random_seed=1)
        index.set_num_threads(1)
        index.add_items(x, num_threads=1)
        return index

    def read(file):
        index = hnswlib.Index("l2", dim)
        index.load_index(file)
        index.set_num_threads(1)
        return index

    index, build, memory = kept("hnswlib", graph, lambda index, file: index.save_index(file), read)
    for effort in task["efforts"]:
        index.set_ef(max(effort, k))
        measure("hnswlib", f"ef {effort}", lambda q: index.knn_query(q, k, num_threads=1)[0], build, memory)


def with_usearch():
    from usearch.index import Index

    def graph(x, effort):
        index = Index(ndim=dim, metric="l2sq", connectivity=task["links"], expansion_add=task["build"], expansion_search=effort)
        index.add(np.arange(len(x)), x, threads=1)
        return index

    index, build, memory = kept("usearch", lambda x: graph(x, task["efforts"][0]), lambda index, file: index.save(file), Index.restore)
    for effort in task["efforts"]:
        index.expansion_search = effort
        measure("USearch", f"expansion {effort}", lambda q: index.search(q, k, threads=1).keys, build, memory)


for side in (with_faiss, with_hnswlib, with_usearch):
    if side is not with_faiss and not task["graph"]:
        continue
    try:
        side()
    except ImportError as missing:
        print(f"{side.__name__[5:]} is not installed: {missing}", file=sys.stderr)
