"""Writes ops.json: values and gradients of ops by PyTorch in float64.

    python3 ops.py > ops.json

The gradients are those of the sum of the result's elements, weighted by sin(3i + 1).
"""
import json
import math

import torch
from torch.nn import functional as F

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)
records = []


def record(op, f, *inputs, **options):
    inputs = [x.clone().requires_grad_() if x.is_floating_point() else x for x in inputs]
    y = f(*inputs)
    w = torch.tensor([math.sin(3 * i + 1) for i in range(y.numel())]).view(y.shape)
    diff = [x for x in inputs if x.is_floating_point()]
    grads = iter(torch.autograd.grad((w * y).sum(), diff))
    records.append({
        "op": op, "options": options,
        "inputs": [{"shape": list(x.shape), "values": x.double().flatten().tolist(), "data": not x.is_floating_point(),
                    "grad": next(grads).flatten().tolist() if x.is_floating_point() else None} for x in inputs],
        "shape": list(y.shape), "values": y.flatten().tolist(),
    })


def rand(*shape):
    return torch.randn(*shape)


for shape, eps in [((3, 5), 1e-6), ((2, 3, 8), 1e-5), ((1, 2), 1e-3)]:
    c = shape[-1]
    record("layernorm", lambda x, g, b: F.layer_norm(x, (c,), g, b, eps), rand(*shape), rand(c), rand(c), eps=eps)
    record("layernorm plain", lambda x: F.layer_norm(x, (c,), None, None, eps), rand(*shape), eps=eps)
wide = torch.cat([3 * rand(29), torch.tensor([0., -9., 12., 3.5, -3.5, 40., -40.])])
record("gelu", lambda x: F.gelu(x), wide)
record("gelu tanh", lambda x: F.gelu(x, approximate="tanh"), wide)
record("swish", F.silu, wide, beta=1)
record("swish", lambda x: x * torch.sigmoid(1.702 * x), wide, beta=1.702)
record("hardswish", F.hardswish, wide)
record("hardsigmoid", lambda x: F.relu6(x + 3) / 6, wide)  # F.hardsigmoid multiplies gradients by a sixth in float32
record("prelu", F.prelu, rand(2, 3, 2, 2), rand(3))
record("prelu", F.prelu, rand(4, 3), rand(1))
for axis in range(3):
    record("softmax", lambda x: torch.softmax(x, axis), 2 * rand(2, 4, 3), axis=axis)
    record("log-softmax", lambda x: torch.log_softmax(x, axis), 2 * rand(2, 4, 3), axis=axis)
record("softmax", lambda x: torch.softmax(x, 1), rand(3, 5, 1), axis=1)
record("batch matmul", torch.matmul, rand(2, 3, 4, 5), rand(2, 3, 5, 2))
record("permute", lambda x: x.permute(0, 2, 3, 1), rand(2, 3, 4, 2), axes=[0, 2, 3, 1])
record("where else", lambda m, x, y: torch.where(m, x, y), torch.rand(3, 1, 4) > 0.5, rand(3, 2, 4), rand(1, 2, 1))
for n, c, h, w, o, k, stride, pad, dilation, groups in [
    (2, 4, 6, 7, 4, 3, 1, 1, 1, 4),  # depthwise
    (1, 3, 9, 8, 3, 7, 1, 3, 1, 3),  # the window is as large as the picture
    (2, 3, 7, 7, 3, 3, 2, 1, 1, 3),
    (1, 3, 5, 6, 3, 2, 3, 0, 1, 3),  # the stride is larger than the window
    (1, 2, 3, 3, 2, 1, 1, 2, 1, 2),  # the padding is larger than the window
    (1, 2, 7, 6, 2, 3, 1, 2, 2, 2),
    (2, 6, 5, 5, 4, 3, 2, 1, 1, 2),  # grouped
    (1, 2, 4, 4, 6, 3, 1, 1, 1, 2),  # three filters a channel
    (1, 2, 1, 1, 2, 1, 1, 0, 1, 2),
]:
    record("conv", lambda x, f, b: F.conv2d(x, f, b, stride, pad, dilation, groups),
           rand(n, c, h, w), rand(o, c // groups, k, k), rand(o), stride=stride, pad=pad, dilation=dilation, groups=groups)

print(json.dumps({"script": "ops.py", "torch": torch.__version__, "records": records}))
