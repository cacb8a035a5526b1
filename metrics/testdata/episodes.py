"""Writes episodes.json: errors of N-way K-shot classification in plain numpy.

    python episodes.py > episodes.json

Episodes are given by their rows, so that the answer does not depend on how they are drawn. The
embeddings of "ties" are whole numbers, so that many distances are equal; a query that is as near to
another prototype as to that of its class counts as wrong. "exact" is the mean over all episodes
of two ways and one shot that can be drawn, among all classes and within groups, each group
having the same weight.
"""
import itertools
import json

import numpy as np

rng = np.random.default_rng(20)


def keys(distance, query, prototypes):
    if distance == "euclidean":
        return ((prototypes - query) ** 2).sum(1)
    if distance == "cosine":
        return -(prototypes @ query) / np.linalg.norm(prototypes, axis=1) / np.linalg.norm(query)
    return -(prototypes @ query)


def wrong(x, support, queries, distance):
    prototypes = np.stack([x[rows].mean(0) for rows in support])
    count = 0
    for own, rows in enumerate(queries):
        for row in rows:
            k = keys(distance, x[row], prototypes)
            count += bool((np.delete(k, own) <= k[own]).any())
    return count


def fixed(name, x, labels, distances, ways, shots, q):
    classes = [np.flatnonzero(labels == c) for c in np.unique(labels)]
    episodes = []
    for _ in range(25):
        chosen = rng.choice(len(classes), ways, replace=False)
        rows = [rng.permutation(classes[c])[: shots + q] for c in chosen]
        support, queries = [r[:shots].tolist() for r in rows], [r[shots:].tolist() for r in rows]
        episodes.append({"support": support, "queries": queries,
                         "wrong": {d: wrong(x, support, queries, d) for d in distances}})
    return {"name": name, "embeddings": x.tolist(), "ways": ways, "episodes": episodes}


def exact(x, labels, pools):
    means = []
    for pool in pools:
        errors = []
        for a, b in itertools.permutations(pool, 2):
            for s in np.flatnonzero(labels == a):
                for t in np.flatnonzero(labels == b):
                    for query in np.flatnonzero(labels == a):
                        if query != s:
                            errors.append(wrong(x, [[s], [t]], [[query], []], "euclidean"))
        means.append(np.mean(errors))
    return float(np.mean(means))


ties = rng.integers(0, 4, (40, 3)).astype(float)
reals = np.round(rng.normal(size=(40, 5)), 3).astype(np.float32).astype(float)
labels = np.repeat(np.arange(8), 5)
reals += np.eye(8, 5)[labels]
reals = reals.astype(np.float32).astype(float)
groups = [0, 0, 0, 1, 1, 2, 2, 2]
json.dump({
    "fixed": [
        fixed("ties, one shot", ties, labels, ["euclidean", "dot"], 4, 1, 3),
        fixed("ties, two shots", ties, labels, ["euclidean", "dot"], 3, 2, 3),
        fixed("reals, one shot", reals, labels, ["euclidean", "cosine", "dot"], 5, 1, 2),
        fixed("reals, three shots", reals, labels, ["euclidean", "cosine", "dot"], 5, 3, 2),
    ],
    "exact": {"embeddings": reals.tolist(), "labels": labels.tolist(), "groups": groups,
              "mixed": exact(reals, labels, [range(8)]),
              "within": exact(reals, labels, [[c for c in range(8) if groups[c] == g] for g in range(3)])},
}, open("/dev/stdout", "w"), separators=(",", ":"))
