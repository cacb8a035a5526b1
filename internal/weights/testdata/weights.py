#!/usr/bin/env python3
"""Writes the files of weights beside it, and expected.json: their tensors as float32, bit for bit.

    python3 weights.py

Needs torch, safetensors, onnx and numpy; expected.json says of which versions.
"""
import argparse, json, os, sys, zipfile
import numpy as np
import onnx
import safetensors.torch
import torch
from onnx import TensorProto, helper

os.chdir(os.path.dirname(os.path.abspath(__file__)))
torch.manual_seed(5)
expected = {}


def expect(file, tensors):
    """Notes what a reader of file should give: types, shapes, and the bits of float32s."""
    out = {}
    for name, (dtype, t) in tensors.items():
        t = t.detach()
        out[name] = dict(dtype=dtype, shape=list(t.shape), bits=t.float().contiguous().flatten().numpy().view(np.uint32).tolist())
    expected[file] = out


SPECIAL = torch.tensor([0.0, -0.0, 1.0, -2.5, float("inf"), float("-inf"), 6e-8, -5.96e-8, 65504.0, 3.14159, 1e-30, 1.0009765])
MATRIX = torch.randn(3, 5)
NAMES = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64", torch.int32: "I32",
         torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL", torch.uint16: "U16", torch.uint32: "U32", torch.uint64: "U64"}


def mixed():
    """Tensors of every type."""
    out = {}
    for dtype, name in NAMES.items():
        x = SPECIAL if dtype.is_floating_point else torch.tensor([0, 1, 2, 100] if dtype == torch.bool or name[0] == "U" else [0, 1, -2, 100])
        out["of." + name] = x.to(dtype)
    out["matrix"] = MATRIX
    out["counter"] = torch.tensor(1234567)
    out["empty"] = torch.zeros(0, 4)
    return out


def typed(tensors):
    return {k: (NAMES[v.dtype], v) for k, v in tensors.items()}


def torch_file(name, tensors, obj=None, **how):
    torch.save(tensors if obj is None else obj, name, **how)
    expect(name, typed(tensors))


# safetensors, whole and in shards
safetensors.torch.save_file(mixed(), "mixed.safetensors", metadata={"format": "pt"})
expect("mixed.safetensors", typed(mixed()))
a, b = {"a.weight": torch.randn(4, 2)}, {"b.weight": torch.randn(3), "b.unlisted": torch.randn(2)}
safetensors.torch.save_file(a, "model-00001-of-00002.safetensors")
safetensors.torch.save_file(b, "model-00002-of-00002.safetensors")
with open("model.safetensors.index.json", "w") as f:
    json.dump(dict(metadata=dict(total_size=44), weight_map={"a.weight": "model-00001-of-00002.safetensors", "b.weight": "model-00002-of-00002.safetensors"}), f)
expect("model.safetensors.index.json", typed({"a.weight": a["a.weight"], "b.weight": b["b.weight"]}))

# torch.save: every type, views, what training saves
torch_file("mixed.pth", mixed())
torch_file("protocol4.pth", mixed(), pickle_protocol=4)
legacy = {k: v for k, v in mixed().items() if v.dtype not in (torch.uint16, torch.uint32, torch.uint64)}
torch_file("legacy.pth", legacy, _use_new_zipfile_serialization=False)
base = torch.arange(60, dtype=torch.float32).reshape(4, 15)
views = {"whole": base, "transposed": base.t(), "column": base[:, 3], "window": base[1:3, 2:9:3], "permuted": base.reshape(4, 3, 5).permute(2, 0, 1),
         "expanded": base[:1, :2].expand(3, 2), "row": base[2], "reversed axes": base.reshape(2, 2, 15).permute(2, 1, 0)[4:7], "number": base[3, 14]}
torch_file("views.pth", views)
torch_file("legacyviews.pth", views, _use_new_zipfile_serialization=False)
net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
state = net.state_dict()
checkpoint = {"state_dict": {"module." + k: v for k, v in state.items()}, "epoch": 90, "arch": "tiny", "best": 0.5,
              "optimizer": torch.optim.SGD(net.parameters(), 0.1).state_dict(), "args": argparse.Namespace(lr=0.1, name="x")}
torch_file("checkpoint.pth", {"state_dict.module." + k: v for k, v in state.items()}, checkpoint)
torch_file("parameters.pth", {"w": torch.nn.Parameter(base[:2, :2]), "ema": torch.nn.Parameter(base[2:3], requires_grad=False)})
torch_file("one.pth", {"tensor": base[0]}, base[0])
torch_file("list.pth", {"0": base[0], "1.x": base[1]}, [base[0], {"x": base[1]}])

# what is refused
torch.save(net, "whole.pth")
torch.jit.save(torch.jit.script(net), "script.pt")


class Evil:
    def __reduce__(self):
        return os.system, ("touch executed",)


torch.save({"w": base[0], "x": Evil()}, "evil.pth")
expect("evil.pth", typed({"w": base[0]}))
torch.save(Evil(), "evilroot.pth")
torch.save({"w": torch.randn(2, dtype=torch.complex64)}, "complex.pth")
with zipfile.ZipFile("repacked.pth", "w", zipfile.ZIP_DEFLATED) as z, zipfile.ZipFile("one.pth") as one:
    for name in one.namelist():
        z.writestr(name, one.read(name))

# ONNX: numbers in raw_data, in the typed fields, and in a file beside
ONNX_TYPES = {"F32": TensorProto.FLOAT, "F64": TensorProto.DOUBLE, "I64": TensorProto.INT64, "I32": TensorProto.INT32, "I16": TensorProto.INT16, "I8": TensorProto.INT8,
              "U8": TensorProto.UINT8, "BOOL": TensorProto.BOOL, "U16": TensorProto.UINT16, "U32": TensorProto.UINT32, "U64": TensorProto.UINT64, "F16": TensorProto.FLOAT16, "BF16": TensorProto.BFLOAT16}


def onnx_model(tensors, raw, op="Identity"):
    init = []
    for name, t in tensors.items():
        kind, dims = ONNX_TYPES[NAMES[t.dtype]], list(t.shape)
        if raw:
            init.append(helper.make_tensor(name, kind, dims, t.contiguous().view(torch.uint8).numpy().tobytes() if t.dim() else t.reshape(1).view(torch.uint8).numpy().tobytes(), raw=True))
        else:
            numbers = t.float().flatten().tolist() if t.dtype in (torch.float16, torch.bfloat16) else t.flatten().tolist()
            init.append(helper.make_tensor(name, kind, dims, numbers))
    graph = helper.make_graph([helper.make_node(op, ["x"], ["y"])], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])], init)
    model = helper.make_model(graph, producer_name="weights.py", opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"key": "value"})
    return model


for name, raw in (("raw.onnx", True), ("typed.onnx", False)):
    onnx.save(onnx_model(mixed(), raw), name)
    expect(name, typed(mixed()))
if os.path.exists("outside.data"):
    os.remove("outside.data")
outside = {"a": torch.randn(4, 5), "b": torch.randn(7)}
onnx.save(onnx_model(outside, True), "outside.onnx", save_as_external_data=True, location="outside.data", size_threshold=0)
expect("outside.onnx", typed(outside))
onnx.save(onnx_model(outside, True, "DequantizeLinear"), "quantised.onnx")

with open("expected.json", "w") as f:
    json.dump(dict(script="internal/weights/testdata/weights.py", python=sys.version.split()[0], torch=torch.__version__, safetensors=safetensors.__version__, onnx=onnx.__version__,
                   files=expected), f, separators=(",", ":"))
