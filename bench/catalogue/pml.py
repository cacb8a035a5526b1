"""The PyTorch side of bench/catalogue: one run with a loss of pytorch-metric-learning.

    python pml.py about
    python pml.py DIR LOSS RAW CLASSES STEPS SEED TIMED

DIR holds the pictures (train.pixels, train.labels, test.pixels, test.labels), LOSS is an
expression over L (losses), M (miners) and C (the number of classes): a loss, or a loss and a miner.
RAW is true where the loss gets embeddings as the network gives them, not of length 1; TIMED is true
where only the speed is asked for. The result is one line of JSON.
"""
import json
import sys
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from pytorch_metric_learning import losses as L, miners as M
from pytorch_metric_learning.utils import common_functions

P, K, SIDE, EMBEDDING = 16, 4, 28, 64


def read(folder, part):
    labels = np.fromfile(f"{folder}/{part}.labels", "<i4").astype(np.int64)
    pixels = np.fromfile(f"{folder}/{part}.pixels", "<f4").reshape(len(labels), 1, SIDE, SIDE)
    return torch.from_numpy(pixels), torch.from_numpy(labels)


def network():
    layers = []
    for i, (before, after) in enumerate(((1, 32), (32, 64), (64, 128))):
        layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(),
                   nn.MaxPool2d(2) if i < 2 else nn.AdaptiveAvgPool2d(1)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128, EMBEDDING))


def embed(net, x):
    net.eval()
    with torch.no_grad():
        return torch.cat([F.normalize(net(x[i:i + 500])) for i in range(0, len(x), 500)])


def measure(e, y):
    """Recall@1 and MAP@R of each row as a query among all others."""
    count = torch.bincount(y)
    first, precision, queries = 0.0, 0.0, 0
    for i in range(0, len(e), 1000):
        q = y[i:i + 1000]
        s = e[i:i + 1000] @ e.t()
        s[torch.arange(len(q)), torch.arange(i, i + len(q))] = -9
        r = count[q] - 1
        found = y[s.topk(int(count.max()) - 1, 1)[1]] == q.unsqueeze(1)
        rank = torch.arange(1, found.size(1) + 1)
        within = rank.unsqueeze(0) <= r.unsqueeze(1)
        hits = (found & within).float()
        some = r > 0
        first += found[some, 0].float().sum().item()
        precision += ((hits.cumsum(1) / rank * hits).sum(1)[some] / r[some]).sum().item()
        queries += int(some.sum())
    return first / queries, precision / queries


def main():
    if sys.argv[1] == "about":
        return
    folder, what, raw = sys.argv[1], sys.argv[2], sys.argv[3] == "true"
    classes, steps, seed = (int(v) for v in sys.argv[4:7])
    common_functions.COLLECT_STATS = False
    torch.manual_seed(seed)
    draw = np.random.RandomState(seed)
    x, y = read(folder, "train")
    of = [torch.where(y == c)[0].numpy() for c in range(classes)]
    net = network()
    made = eval(what, {"L": L, "M": M, "C": classes, "torch": torch})  # our own text
    loss, miner = made if isinstance(made, tuple) else (made, None)
    optimiser = torch.optim.Adam([*net.parameters(), *loss.parameters()], 1e-3)
    net.train()
    began = time.perf_counter()
    for _ in range(steps):
        batch = np.concatenate([draw.choice(of[c], K, replace=False) for c in draw.choice(classes, P, replace=False)])
        e = net(x[batch])
        if not raw:
            e = F.normalize(e)
        if isinstance(loss, L.ManifoldLoss):
            value = loss(e)  # it refuses labels
        else:
            value = loss(e, y[batch], miner(e, y[batch])) if miner else loss(e, y[batch])
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        if isinstance(loss, L.DynamicSoftMarginLoss):
            loss.hist_ = loss.hist_.detach()  # else the next step goes back through this one's graph
    seconds = time.perf_counter() - began
    figures = {"images_per_second": steps * P * K / seconds}
    if sys.argv[7] != "true":
        pictures, labels = read(folder, "test")
        figures["recall_at_1"], figures["map_at_r"] = measure(embed(net, pictures), labels)
    print(json.dumps(figures))


main()
