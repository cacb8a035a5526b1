"""Writes thresholds.json: what scikit-learn says of all pairs of random embeddings.

    pip install scikit-learn==1.9.1 scipy
    python thresholds.py > thresholds.json

Embeddings are whole numbers, so that distances are exact; in two cases many are equal.
The equal error rate is where the lines between the points of the ROC cross FAR = 1 − TAR;
TAR at FAR f is the largest TAR of a point with FAR ≤ f, and distance is the least one
that is not accepted there (accepted is what is nearer).
"""
import json

import numpy as np
import sklearn
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_auc_score, roc_curve


def case(name, seed, rows, dim, classes, size, spread):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, rows)
    x = rng.integers(-size, size, (classes, dim))[labels] + rng.integers(-spread, spread + 1, (rows, dim))
    i, j = np.triu_indices(rows, 1)
    d = np.sqrt(((x[i] - x[j]) ** 2).sum(1).astype(np.float64))
    same = labels[i] == labels[j]
    fpr, tpr, _ = roc_curve(same, -d, drop_intermediate=False)
    eer = brentq(lambda v: 1 - v - interp1d(fpr, tpr)(v), 0, 1, xtol=1e-15)
    imposters = np.sort(d[~same])
    at = []
    for f in [0.1, 0.01, 0.001, 0.0001]:
        k = int(np.floor(f * len(imposters) * (1 + 1e-12)))
        at.append({"asked": f, "tar": float(tpr[fpr <= f * (1 + 1e-12)].max()), "far": float((d[~same] < imposters[k]).mean()), "distance": float(imposters[k])})
        assert abs((d[same] < imposters[k]).mean() - at[-1]["tar"]) < 1e-12, name
    return {
        "name": name, "embeddings": x.tolist(), "labels": labels.tolist(), "genuine": int(same.sum()), "impostor": int((~same).sum()),
        "eer": float(eer), "auc": float(roc_auc_score(same, -d)), "at": at,
    }


cases = [
    case("overlapping", 1, 150, 5, 12, 200, 160),
    case("well apart", 2, 120, 4, 8, 20000, 30),
    case("on a few points", 3, 140, 2, 6, 3, 1),
    case("one point but for a few", 4, 90, 1, 5, 2, 0),
    case("at random", 5, 130, 6, 10, 1, 300),
]
print(json.dumps({"scikit-learn": sklearn.__version__, "numpy": np.__version__, "cases": cases}))
