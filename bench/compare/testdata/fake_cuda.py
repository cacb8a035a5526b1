"""Runs the executions of torch_bench.py (its folder is the argument) that need a GPU over a
torch.cuda that only remembers what was asked of it: the order of the calls is that which the
documentation of CUDA graphs asks for, and what is built here can be stepped."""
import contextlib
import sys
import time
import types

sys.path.insert(0, sys.argv[1])
import torch  # noqa: E402
import torch_bench as bench  # noqa: E402

calls = []
open_run = None  # the Run whose work is being captured


class Stream:
    def __init__(self, device=None, name="side"):
        self.name = name

    def wait_stream(self, other):
        calls.append(f"{self.name} waits for {other.name}")


class CUDAGraph:
    def replay(self):
        calls.append("replay")


@contextlib.contextmanager
def stream(s):
    calls.append(f"on {s.name}")
    yield


@contextlib.contextmanager
def graph(g):
    calls.append("capture")
    assert all(p.grad is None for p in open_run.parameters), "gradients at the start of a capture"
    yield


def compile(f, mode, dynamic):
    calls.append(mode)
    if limit < 0.5 and mode == "reduce-overhead":
        time.sleep(10)
    return f


def adam(parameters, lr, capturable=False, fused=False, **options):
    if capturable:
        calls.append("capturable")
    return real_adam(parameters, lr, **options)  # on a CPU there is neither


def capture(self):
    global open_run
    open_run = self
    return real_capture(self)


torch.cuda.Stream, torch.cuda.CUDAGraph, torch.cuda.stream, torch.cuda.graph = Stream, CUDAGraph, stream, graph
torch.cuda.current_stream = lambda device=None: Stream(name="main")
torch.compile, torch.compiler = compile, types.SimpleNamespace(cudagraph_mark_step_begin=lambda: calls.append("mark"))
real_adam, torch.optim.Adam = torch.optim.Adam, adam
real_capture, bench.Run.capture = bench.Run.capture, capture
bench.executions = lambda job, device: list(bench.EXECUTIONS)

GRAPH = ["main waits for side", "capture", "replay"]
EXPECTED = {"eager": [], "CUDA graph": GRAPH, "reduce-overhead": ["reduce-overhead", "mark"],
            "max-autotune in a CUDA graph": ["max-autotune-no-cudagraphs"] + GRAPH}
train = {"kind": "train", "net": "cnn-bn", "batch": 8, "class": 4, "loss": "batch-hard"}
loss = {"kind": "loss", "loss": "lifted", "batch": 24, "class": 4, "size": 6}


def run(job, **more):
    calls.clear()
    result = bench.on_device(dict(job, threads=1, seconds=0.001, device="cpu", variant="pytorch, best", **more))
    assert "error" not in result, result
    return result


limit = 1
values = set()
for execution, expected in EXPECTED.items():
    for job, way in ((train, "channels_last, fused Adam, " + execution), (loss, execution), (loss, execution + ", K known")):
        result = run(job, way=way)
        once = [c for i, c in enumerate(calls) if c in expected and c not in calls[:i]]
        assert once == expected, (way, calls[:20])
        assert ("capturable" in calls) == (job is train and "CUDA graph" in execution), way
        if "capture" in calls:
            start = calls.index("side waits for main")
            assert calls[start:start + 4] == ["side waits for main", "on side", "main waits for side", "capture"], calls
        if job is loss:
            values.add(round(result["value"], 4))
assert len(values) == 1, values

limit = 0.2  # seconds that a compiler has
for job in (train, loss):
    result = run(job, compile=limit)
    assert "CUDA graph" in result["way"], result
    assert any("TimeoutError: no result in 0.2 s" in t for t in result["tried"]), result
