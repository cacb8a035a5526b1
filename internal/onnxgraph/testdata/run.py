"""Runs models of ONNX with ONNX Runtime: run.py FOLDER. Of each NAME.onnx, NAME.json gets five pictures and the first output for them.

Needs onnxruntime and numpy.
"""
import base64
import glob
import json
import os
import sys

import numpy as np
import onnxruntime

onnxruntime.set_default_logger_severity(3)


def text(v):
    return base64.b64encode(v.astype("<f4").tobytes()).decode()


def run(path, size=None, **more):
    """Of a model whose input leaves its size open, size is that of pictures; one whose batch is fixed at 1 runs five times."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0]
    shape = [d if isinstance(d, int) else size for d in source.shape[1:]]
    x = np.random.default_rng(0).standard_normal([5] + shape).astype("f4")
    step = 1 if isinstance(source.shape[0], int) else 5
    y = np.concatenate([session.run(None, {source.name: x[i:i + step]})[0] for i in range(0, 5, step)])
    with open(os.path.splitext(path)[0] + ".json", "w") as f:
        json.dump({"script": "run.py", **more, "onnxruntime": onnxruntime.__version__, "in": x.shape, "out": y.shape, "x": text(x), "y": text(y)}, f)


if __name__ == "__main__":
    for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.onnx"))):
        run(path)
