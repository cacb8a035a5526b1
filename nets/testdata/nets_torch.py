#!/usr/bin/env python3
"""Writes nets.json: small networks in PyTorch, float64, one training step and one evaluation.

    python3 nets_torch.py > nets.json

Of each network: the pictures x, every parameter and buffer before the step, the embeddings
in training mode, the gradient of sum(objective * embeddings) to every parameter, the
buffers after the step, and the embeddings in evaluation mode after it.
"""
import json, sys
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


class CNN(nn.Module):
    def __init__(self, cin, channels, embedding, bn=True, pool=F.max_pool2d):
        super().__init__()
        self.n, self.bn, self.pool = len(channels), bn, pool
        for i, c in enumerate(channels, 1):
            setattr(self, f"conv{i}", nn.Conv2d(cin, c, 3, padding=1, bias=not bn))
            if bn:
                setattr(self, f"bn{i}", nn.BatchNorm2d(c))
            cin = c
        self.fc = nn.Linear(cin, embedding)

    def forward(self, x):
        for i in range(1, self.n + 1):
            x = getattr(self, f"conv{i}")(x)
            x = F.relu(getattr(self, f"bn{i}")(x) if self.bn else x)
            if i < self.n:
                x = self.pool(x, 2)
        return F.normalize(self.fc(x.mean((2, 3))))


class MLP(nn.Module):
    def __init__(self, fin, hidden, embedding):
        super().__init__()
        self.n = len(hidden)
        for i, h in enumerate(hidden, 1):
            setattr(self, f"fc{i}", nn.Linear(fin, h))
            fin = h
        self.fc = nn.Linear(fin, embedding)

    def forward(self, x):
        x = x.flatten(1)
        for i in range(1, self.n + 1):
            x = F.relu(getattr(self, f"fc{i}")(x))
        return self.fc(x)


class Block(nn.Module):
    def __init__(self, cin, c, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, c, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.downsample = None
        if stride != 1 or cin != c:
            self.downsample = nn.Sequential(nn.Conv2d(cin, c, 1, stride, bias=False), nn.BatchNorm2d(c))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (self.downsample(x) if self.downsample is not None else x))


class ResNet(nn.Module):
    def __init__(self, cin, blocks, channels, embedding, small):
        super().__init__()
        self.small = small
        self.conv1 = nn.Conv2d(cin, channels[0], 3 if small else 7, 1 if small else 2, 1 if small else 3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels[0])
        c0 = channels[0]
        for s, (n, c) in enumerate(zip(blocks, channels), 1):
            setattr(self, f"layer{s}", nn.Sequential(*[Block(c0 if b == 0 else c, c, 2 if s > 1 and b == 0 else 1) for b in range(n)]))
            c0 = c
        self.fc = nn.Linear(c0, embedding)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        if not self.small:
            x = F.max_pool2d(x, 3, 2, 1)
        for s in range(1, 5):
            x = getattr(self, f"layer{s}")(x)
        return F.normalize(self.fc(x.mean((2, 3))))


CASES = [
    ("cnn", dict(backbone="cnn", in_channels=2, height=9, width=8, channels=[3, 4, 5], embedding=6), 5, lambda: CNN(2, [3, 4, 5], 6)),
    ("cnn without batch norm, average pooling", dict(backbone="cnn", in_channels=1, height=8, width=8, channels=[3, 4], embedding=3, norm="none", pooling="avg"), 3,
     lambda: CNN(1, [3, 4], 3, bn=False, pool=F.avg_pool2d)),
    ("mlp, raw", dict(backbone="mlp", in_channels=1, height=4, width=5, hidden=[7, 5], embedding=4, raw=True), 3, lambda: MLP(20, [7, 5], 4)),
    ("resnet18, standard stem", dict(backbone="resnet18", in_channels=3, height=33, width=40, channels=[2, 3, 4, 5], embedding=4, stem="standard"), 4,
     lambda: ResNet(3, [2, 2, 2, 2], [2, 3, 4, 5], 4, False)),
    ("resnet34, small stem", dict(backbone="resnet34", in_channels=1, height=13, width=12, channels=[2, 2, 3, 3], embedding=3, stem="small"), 4,
     lambda: ResNet(1, [3, 4, 6, 3], [2, 2, 3, 3], 3, True)),
]


def short(x):
    """x with four decimals, so that the file is small and exact."""
    return (x * 1e4).round() / 1e4


def digits(x):
    """x as a list of numbers of 12 digits, more than the test's tolerance."""
    return [float(f"{v:.12g}") for v in x.flatten().tolist()]


def numbers(tensors):
    return {k: digits(v) for k, v in tensors.items() if not k.endswith("num_batches_tracked")}


records = []
for seed, (name, config, batch, make) in enumerate(CASES):
    torch.manual_seed(seed)
    net = make().train()
    for k, p in net.named_parameters():
        if p.dim() == 1:
            p.data += 0.1 * torch.randn_like(p)
        p.data = short(p.data)
    x = short(torch.randn(batch, config["in_channels"], config["height"], config["width"]))
    before = numbers({k: v.clone() for k, v in net.state_dict().items()})
    e = net(x)
    objective = short(torch.randn_like(e))
    (objective * e).sum().backward()
    records.append(dict(
        name=name, config=config, batch=batch, x=digits(x), objective=digits(objective),
        parameters=before, train=digits(e), gradients=numbers({k: p.grad for k, p in net.named_parameters()}),
        buffers=numbers(dict(net.named_buffers())), eval=digits(net.eval()(x))))

json.dump(dict(script="nets/testdata/nets_torch.py", python=sys.version.split()[0], torch=torch.__version__, records=records), sys.stdout, separators=(",", ":"))
