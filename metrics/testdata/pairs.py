"""Writes pairs.json: what the protocol of Labeled Faces in the Wild (View 2) gives on listed
pairs of random embeddings, in plain loops.

    python pairs.py > pairs.json

Embeddings are whole numbers, so that distances are exact; in some cases many are equal. For
each fold every threshold between two neighbouring distances of the other folds, below all and
above all is tried; of those that judge most pairs rightly the one in the widest interval
counts, of equally wide ones the nearest. The area is the share of (same, different) couples
of pairs in which the same one is nearer, equal distances counting half. The equal error rate
is where the lines between the points of the ROC cross FAR = 1 − TAR.
"""
import json

import numpy as np


def accuracy(distance, same, threshold):
    return sum(bool(d < threshold) == bool(s) for d, s in zip(distance, same)) / len(same)


def choose(distance, same):
    values = sorted(set(distance.tolist()))
    tried = [(values[0], 0.0)]
    tried += [((a + b) / 2, b - a) for a, b in zip(values, values[1:])]
    tried += [(np.nextafter(values[-1], np.inf), 0.0)]
    scored = [(accuracy(distance, same, t), width, -t) for t, width in tried]
    return -max(scored)[2]


def equal_error_rate(distance, same):
    points = [(0.0, 0.0)]
    for v in sorted(set(distance.tolist())):
        points.append((float((distance[~same] <= v).mean()), float((distance[same] <= v).mean())))
    for (f0, t0), (f1, t1) in zip(points, points[1:]):
        h0, h1 = f0 + t0 - 1, f1 + t1 - 1
        if h1 >= 0:
            return f0 + (f1 - f0) * (0 if h1 == h0 else max(0, -h0) / (h1 - h0))


def case(name, seed, rows, dim, folds, per_fold, size, spread):
    rng = np.random.default_rng(seed)
    classes = rows // 4
    labels = rng.integers(0, classes, rows)
    x = rng.integers(-size, size + 1, (classes, dim))[labels] + rng.integers(-spread, spread + 1, (rows, dim))
    pairs = []
    for fold in range(folds):
        for want in [True] * per_fold + [False] * per_fold:
            while True:
                a, b = (int(v) for v in rng.integers(0, rows, 2))
                if a != b and (labels[a] == labels[b]) == want:
                    break
            pairs.append((a, b, want, fold))
    d = np.array([np.sqrt(float(((x[a] - x[b]) ** 2).sum())) for a, b, _, _ in pairs])
    same = np.array([s for _, _, s, _ in pairs])
    fold = np.array([f for _, _, _, f in pairs])
    thresholds, shares = [], []
    for f in range(folds):
        thresholds.append(float(choose(d[fold != f], same[fold != f])))
        shares.append(accuracy(d[fold == f], same[fold == f], thresholds[-1]))
    area = np.mean([1.0 if g < i else 0.5 if g == i else 0.0 for g in d[same] for i in d[~same]])
    impostors = np.sort(d[~same])
    at = []
    for rate in [0.1, 0.01, 0.001]:
        if rate * len(impostors) >= 10 * (1 - 1e-12):
            t = impostors[int(np.floor(rate * len(impostors) * (1 + 1e-12)))]
            at.append({"asked": rate, "distance": float(t), "far": float((d[~same] < t).mean()), "tar": float((d[same] < t).mean())})
    return {
        "name": name, "embeddings": x.tolist(), "labels": labels.tolist(), "pairs": [[a, b, int(s), f] for a, b, s, f in pairs],
        "thresholds": thresholds, "shares": shares, "accuracy": float(np.mean(shares)),
        "standard_error": float(np.std(shares, ddof=1) / np.sqrt(folds)), "auc": float(area), "eer": float(equal_error_rate(d, same)), "at": at,
    }


cases = [
    case("ten folds", 1, 120, 5, 10, 30, 200, 180),
    case("well apart", 2, 80, 4, 10, 10, 20000, 30),
    case("on a few points", 3, 100, 2, 5, 20, 2, 1),
    case("at random", 4, 100, 6, 3, 40, 1, 300),
    case("two folds of two", 5, 16, 3, 2, 1, 50, 40),
]
print(json.dumps({"numpy": np.__version__, "cases": cases}))
