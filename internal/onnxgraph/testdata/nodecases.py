"""Writes the tests that onnx has of its operators into a folder: nodecases.py FOLDER OPERATOR...

Those are written whose graphs have no other operators than the ones named. Each is a model, NUMBER.onnx, and an entry of
index.json with what goes in and what comes out, as text. Needs onnx of PyPI.
"""
import json
import os
import sys
import warnings

import onnx
from onnx.backend.test.case.node import collect_testcases

warnings.filterwarnings("ignore")
folder, operators = sys.argv[1], set(sys.argv[2:])


def tensor(name, v):
    return {"name": name, "type": str(v.dtype), "shape": list(v.shape), "values": [float(x) for x in v.ravel()]}


index = {"version": onnx.__version__, "unknown": 0, "cases": []}
for case in collect_testcases(None):
    graph = case.model.graph
    if any(n.op_type not in operators or n.domain not in ("", "ai.onnx") for n in graph.node) or case.model.functions:
        index["unknown"] += 1
        continue
    inputs, outputs = case.data_sets[0]
    if not all(hasattr(v, "dtype") and v.dtype.kind in "fiub" and v.dtype.itemsize <= 8 for v in list(inputs) + list(outputs)):
        continue
    path = f"{len(index['cases'])}.onnx"
    onnx.save(case.model, os.path.join(folder, path))
    index["cases"].append({
        "name": case.name, "file": path, "rtol": case.rtol, "atol": case.atol,
        "in": [tensor(i.name, v) for i, v in zip(graph.input, inputs)],
        "out": [tensor(o.name, v) for o, v in zip(graph.output, outputs)],
    })
with open(os.path.join(folder, "index.json"), "w") as f:
    json.dump(index, f)
