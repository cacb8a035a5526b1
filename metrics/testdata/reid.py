"""Writes reid.json: what torchreid's evaluator says of random embeddings.

    git clone https://github.com/KaiyangZhou/deep-person-reid   # commit f8cd150 was used
    python reid.py deep-person-reid/torchreid/metrics/rank.py > reid.json

Embeddings are whole numbers, so that distances are exact, and no two distances of a
query are equal. Label 0 stands for distractors: it is in the gallery alone.
"""
import importlib.util
import json
import sys

import numpy as np

spec = importlib.util.spec_from_file_location("rank", sys.argv[1])
rank = importlib.util.module_from_spec(spec)
spec.loader.exec_module(rank)


def case(seed, queries, gallery, dim, people, cameras, far):
    rng = np.random.default_rng(seed)
    centres = rng.integers(-300, 300, (people + 1, dim))
    q_pids, g_pids = rng.integers(1, people + 1, queries), rng.integers(0, people + 1, gallery)
    q_cams, g_cams = rng.integers(0, cameras, queries), rng.integers(0, cameras, gallery)
    q = centres[q_pids] + rng.integers(-far, far, (queries, dim))
    g = centres[g_pids] + rng.integers(-far, far, (gallery, dim))
    dist = ((q[:, None, :] - g[None, :, :]) ** 2).sum(2).astype(np.float64)
    assert all(len(set(row)) == len(row) for row in dist.tolist()), "ties"
    cmc, mean_ap = rank.evaluate_rank(dist, q_pids, g_pids, q_cams, g_cams, max_rank=20, use_cython=False)
    valid = [bool(((g_pids == p) & (g_cams != c)).any()) for p, c in zip(q_pids, q_cams)]
    return {
        "query": q.tolist(), "query_labels": q_pids.tolist(), "query_cameras": q_cams.tolist(),
        "gallery": g.tolist(), "gallery_labels": g_pids.tolist(), "gallery_cameras": g_cams.tolist(),
        "queries": sum(valid), "cmc_at_1": float(cmc[0]), "cmc_at_5": float(cmc[4]), "cmc_at_10": float(cmc[9]), "map": float(mean_ap),
    }


cases = [case(1, 40, 120, 6, 12, 4, 250), case(2, 30, 25, 4, 20, 2, 200), case(3, 25, 200, 8, 5, 3, 500)]
print(json.dumps({"numpy": np.__version__, "cases": cases}))
