"""Writes rerank.json: what torchreid's re-ranking makes of random embeddings.

    curl -o torchreid.py https://raw.githubusercontent.com/KaiyangZhou/deep-person-reid/master/torchreid/utils/rerank.py
    pip install numpy
    python rerank.py torchreid.py > rerank.json

Distances are Euclidean ones, or cosine distances, as its engine passes them on. It computes in float32.
"""
import importlib.util
import json
import sys

import numpy as np

spec = importlib.util.spec_from_file_location("peer", sys.argv[1])
peer = importlib.util.module_from_spec(spec)
spec.loader.exec_module(peer)


def distances(a, b, kind):
    a, b = a.astype(np.float64), b.astype(np.float64)
    if kind == "cosine":
        a, b = a / np.linalg.norm(a, axis=1, keepdims=True), b / np.linalg.norm(b, axis=1, keepdims=True)
        return 1 - a @ b.T
    return np.sqrt(((a[:, None] - b[None]) ** 2).sum(2))


def case(name, seed, queries, gallery, dim, classes, kind, k1, k2, value):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, queries + gallery)
    x = (rng.normal(size=(classes, dim))[labels] + 0.8 * rng.normal(size=(queries + gallery, dim))).astype(np.float32)
    q, g = x[:queries], x[queries:]
    d = peer.re_ranking(distances(q, g, kind), distances(q, q, kind), distances(g, g, kind), k1, k2, value)
    return {
        "name": name, "dim": dim, "queries": q.ravel().tolist(), "gallery": g.ravel().tolist(), "labels": labels.tolist(),
        "distance": kind, "k1": k1, "k2": k2, "lambda": value, "distances": d.ravel().astype(np.float64).round(7).tolist(),
    }


print(json.dumps({"numpy": np.__version__, "cases": [
    case("defaults", 1, 12, 60, 6, 8, "euclidean", 20, 6, 0.3),
    case("cosine", 2, 10, 50, 5, 6, "cosine", 20, 6, 0.3),
    case("few neighbours, a half that rounds down", 3, 9, 40, 4, 7, "euclidean", 5, 2, 0.5),
    case("a half that rounds up, no mean", 4, 9, 40, 4, 7, "euclidean", 7, 1, 0.1),
    case("neighbours in common alone", 5, 8, 40, 4, 6, "euclidean", 6, 3, 0),
    case("more neighbours than rows", 6, 5, 12, 3, 4, "euclidean", 20, 6, 0.3),
]}))
