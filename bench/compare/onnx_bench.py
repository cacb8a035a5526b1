"""What runs exported models, for bench/compare: one measurement a process.

    python onnx_bench.py about   versions, as JSON
    python onnx_bench.py JOB     JOB is the JSON of a job (timing.go) of the kind embed; the
                                 result is the last line of the output, as JSON

OpenVINO has two hints, for one request and for many; each is tried for a moment, and the fastest
one is measured, as torch_bench.py does.
"""
import json
import os
import sys

from rules import fastest, measure, noise

SHAPES = {"mlp": (1, 28, 28), "cnn": (1, 28, 28), "cnn-bn": (1, 28, 28), "resnet18": (3, 64, 64),
          "resnet50": (3, 224, 224), "vit-small-14": (3, 224, 224)}


def about():
    found = {}
    try:
        import onnxruntime
        found["onnxruntime"] = onnxruntime.__version__
    except ImportError:
        pass
    try:
        import openvino
        found["openvino"] = openvino.__version__.split("-")[0]
    except ImportError:
        pass
    return found


def by_onnxruntime(job, path, x):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = job["threads"], 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    inputs = {session.get_inputs()[0].name: x}
    return {"": lambda: session.run(None, inputs)[0]}


def by_openvino(job, path, x):
    import openvino
    core, ways = openvino.Core(), {}
    for hint in ("LATENCY", "THROUGHPUT"):
        if job.get("way", hint) != hint:
            continue
        net = core.read_model(path)
        net.reshape(list(x.shape))
        net = core.compile_model(net, "CPU", {"PERFORMANCE_HINT": hint, "INFERENCE_NUM_THREADS": job["threads"],
                                              "INFERENCE_PRECISION_HINT": "f32"})
        request = net.create_infer_request()
        ways[hint] = lambda request=request: request.infer([x], share_inputs=True)[0]
    return ways


def embed(job):
    shape = SHAPES[job["net"]]
    n = job["batch"]
    for size in shape:
        n *= size
    x = noise(n, 0).reshape(job["batch"], *shape)
    make = {"onnxruntime": by_onnxruntime, "openvino": by_openvino}[job["variant"]]
    ways = make(job, os.path.join(job["models"], job["net"] + ".onnx"), x)
    way = job.get("way") or fastest(ways, 0.3)
    m = dict(measure(job["seconds"], ways[way]), way=way)
    out = ways[way]()
    m["value"] = float(sum(float(v) * (i % 7 + 1) for i, v in enumerate(out.reshape(-1))))
    return m


def main():
    if sys.argv[1] == "about":
        print(json.dumps(about()))
        return
    print(json.dumps(embed(json.loads(sys.argv[1]))), flush=True)


if __name__ == "__main__":
    main()
