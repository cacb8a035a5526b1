"""Embeds by the networks of medusa_net.py, as docs/export.md has it, what cases.json in a folder lists.

Reads  [{"model": path, "inputs": {"file", "shape"}, "out": path}]
writes each output, float32, row by row.
"""
import importlib.util
import json
import os
import sys

if importlib.util.find_spec("safetensors") is None:
    sys.path.append(os.path.dirname(os.path.abspath(__file__)))

import numpy as np
import torch

os.chdir(sys.argv[1])
sys.path.insert(0, ".")
import medusa_net

torch.set_num_threads(1)
for case in json.load(open("cases.json")):
    net, info = medusa_net.load(case["model"])
    x = torch.from_numpy(np.fromfile(case["inputs"]["file"], "<f4").reshape(case["inputs"]["shape"]))
    with torch.no_grad():
        net(x).numpy().astype("<f4").tofile(case["out"])
