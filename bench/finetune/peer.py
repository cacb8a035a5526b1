"""The side of PyTorch of bench/finetune: timm's network with the same weights, pytorch-metric-learning's loss.

    python peer.py JOB     JOB is JSON (main.go); the last line of the output is JSON
"""
import json
import os
import re
import sys
import time

import numpy as np
import timm
import torch
from PIL import Image
from pytorch_metric_learning import losses, miners

job = json.loads(sys.argv[1])
torch.set_num_threads(job["threads"])
torch.manual_seed(job["seed"])
draw = np.random.default_rng(job["seed"])


def timms_names(stored):
    """The tensors of EfficientNet-PyTorch's lite0, which numbers blocks through all stages, by timm's names."""
    places = [(s, b) for s, n in enumerate((1, 2, 2, 3, 3, 4, 1)) for b in range(n)]
    outside = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
    out = {}
    for name, value in stored.items():
        layer, leaf = name.rsplit(".", 1)
        if found := re.match(r"_blocks\.(\d+)\.(.*)", layer):
            s, b = places[int(found[1])]
            inside = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"} if s == 0 else {
                "_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2",
                "_project_conv": "conv_pwl", "_bn2": "bn3"}
            out[f"blocks.{s}.{b}.{inside[found[2]]}.{leaf}"] = value
        elif layer in outside:
            out[f"{outside[layer]}.{leaf}"] = value
    return out


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0)
        self.fc = torch.nn.Linear(1280, job["embedding"])

    def forward(self, x):
        return torch.nn.functional.normalize(self.fc(self.trunk(x)))


def pictures(part):
    """All pictures (N, 3, S, S) of a part, prepared as the weights want them, and their classes."""
    x, y, side = [], [], job["size"]
    whole = int(side / 0.875)
    for label, name in enumerate(sorted(os.listdir(os.path.join(job["data"], part)))):
        folder = os.path.join(job["data"], part, name)
        for file in sorted(os.listdir(folder)):
            with Image.open(os.path.join(folder, file)) as p:
                p = p.convert("RGB")
                scale = whole / min(p.size)
                p = p.resize((round(p.width * scale), round(p.height * scale)), Image.BICUBIC)
                left, top = (p.width - side) // 2, (p.height - side) // 2
                p = p.crop((left, top, left + side, top + side))
                x.append(np.asarray(p, np.float32).transpose(2, 0, 1) / 127.5 - 1)
                y.append(label)
    return torch.from_numpy(np.stack(x)), np.array(y)


def figures(e, y):
    """Recall@1 and MAP@R of each embedding among all others, in float64."""
    e = e.astype(np.float64)
    d = 2 - 2 * e @ e.T
    np.fill_diagonal(d, np.inf)
    order = np.argsort(d, axis=1, kind="stable")[:, :-1]
    same = y[order] == y[:, None]
    total = 0.0
    for i in range(len(y)):
        r = (y == y[i]).sum() - 1
        hits = same[i, :r]
        total += (hits * np.cumsum(hits) / np.arange(1, r + 1)).sum() / r
    return same[:, 0].mean(), total / len(y)


def embed(net, x):
    net.eval()
    with torch.no_grad():
        return torch.cat([net(part) for part in x.split(64)]).numpy()


def main():
    net = Net()
    if job["weights"]:
        left = net.trunk.load_state_dict(timms_names(torch.load(job["weights"], map_location="cpu", weights_only=True)))
        assert not left.missing_keys and not left.unexpected_keys, left
    x, y = pictures("train")
    optimiser = torch.optim.Adam(net.parameters(), job["lr"])
    loss, miner = losses.TripletMarginLoss(margin=0.2), miners.BatchHardMiner()
    classes = [np.flatnonzero(y == c) for c in range(y.max() + 1)]
    began = time.perf_counter()
    for _ in range(job["steps"]):
        net.train()
        chosen = np.concatenate([draw.choice(classes[c], job["k"], replace=False)
                                 for c in draw.choice(len(classes), job["p"], replace=False)])
        batch = x[chosen]
        turned = torch.from_numpy(draw.random(len(chosen)) < 0.5)
        batch[turned] = batch[turned].flip(3)
        labels = torch.from_numpy(y[chosen])
        e = net(batch)
        optimiser.zero_grad(set_to_none=True)
        loss(e, labels, miner(e, labels)).backward()
        optimiser.step()
    seconds = time.perf_counter() - began
    recall, mapr = figures(embed(net, (test := pictures("test"))[0]), test[1])
    print(json.dumps({"recall": recall, "map_at_r": mapr, "seconds": seconds}))


main()
