"""What runs exported models, for bench/compare: one measurement a process.

    python onnx_bench.py about   versions, as JSON
    python onnx_bench.py JOB     JOB is the JSON of a job (timing.go) of the kind embed; the
                                 result is the last line of the output, as JSON

OpenVINO has two hints, for one request and for many; each is tried for a moment, and the fastest
one is measured, as torch_bench.py does.
"""
import json
import os
import statistics
import sys
import time

WARM_UPS, AT_LEAST, MOST_OF = 3, 3, 5  # the rules of timing.go
SHAPES = {"mlp": (1, 28, 28), "cnn": (1, 28, 28), "cnn-bn": (1, 28, 28), "resnet18": (3, 64, 64)}


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


def noise(n, seed):
    """The same numbers as on the other side (inputs.go)."""
    import numpy as np
    h = np.arange(n, dtype=np.uint32) + np.uint32(seed * 0x9E3779B9 & 0xFFFFFFFF)
    h = (h ^ h >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    h = (h ^ h >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return (h >> np.uint32(8)).astype(np.float32) / np.float32(1 << 23) - np.float32(1)


def measure(seconds, run):
    for i in range(WARM_UPS):
        began = time.perf_counter()
        run()
        if i == 0 and time.perf_counter() - began > seconds / 2:
            break
    times, clock = [], time.perf_counter
    cpu, began = time.process_time(), clock()
    last = began
    while True:
        run()
        now = clock()
        times.append(now - last)
        last = now
        total = now - began
        if (total >= seconds and len(times) >= AT_LEAST) or total >= MOST_OF * seconds:
            break
    return {"seconds": statistics.median(times), "best": min(times), "runs": len(times),
            "cores": (time.process_time() - cpu) / total}


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


def fastest(ways, seconds):
    best = {}
    for name, run in ways.items():
        run()
        began, times = time.perf_counter(), []
        while not times or (time.perf_counter() - began < seconds and len(times) < 50):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        best[name] = min(times)
    return min(best, key=best.get)


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
