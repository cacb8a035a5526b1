"""Checks and runs ONNX files: what cases.json beside them lists, with inputs as raw bytes.

Reads  [{"model": path, "runs": [{"inputs": {name: {"file", "shape", "type"}}, "out": path}]}]
writes each run's output, float32, row by row.
"""
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime

os.chdir(sys.argv[1])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.log_severity_level = 3
for case in json.load(open("cases.json")):
    model = onnx.load(case["model"])
    onnx.checker.check_model(model, full_check=True)
    shapes = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    output = shapes.graph.output[0].type.tensor_type.shape
    assert output.dim[0].dim_param == "N", (case["model"], output)
    session = onnxruntime.InferenceSession(case["model"], options, providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["medusa.model"])["net"], metadata
    for run in case["runs"]:
        inputs = {name: np.fromfile(i["file"], i["type"]).reshape(i["shape"]) for name, i in run["inputs"].items()}
        (out,) = session.run(None, inputs)
        assert out.shape == (len(next(iter(inputs.values()))), output.dim[1].dim_value), (out.shape, output)
        out.astype("<f4").tofile(run["out"])
