"""The PyTorch side of bench/compare: one measurement a process.

    python torch_bench.py about [DEVICE]   versions, as JSON; of CUDA, too, with cuda or
                                           cuda:N
    python torch_bench.py JOB              JOB is the JSON of a job (timing.go); the
                                           result is the last line of the output, as JSON

Wherever PyTorch offers several ways (memory layout, form of the optimiser, graph
compilation of inference, rows at a time in a search), each is tried for a moment before
the clock starts, and the fastest one is measured. Its name is the result's "way"; a job
that names a way, as those of later rounds do, is done in it.

A job with a device is done there, by the functions under "On a GPU". They run on the
device cpu, too, where there are no CUDA graphs: so they are tested.
"""
import contextlib
import gc
import json
import math
import os
import signal
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

import rules
from rules import AT_LEAST, MOST_OF, WARM_UPS, fastest, measure

GPU_WARM_UPS, GPU_BLOCKS = 5, 10  # those of cuda.go
BATCHES = 3


def blas(config):
    """Which library multiplies matrices, and whether it is the slow reference one."""
    if "USE_MKL=ON" in config:
        return "MKL", False
    torch.mm(torch.ones(64, 64), torch.ones(64, 64))
    try:
        with open("/proc/self/maps") as maps:
            loaded = sorted({line.split()[-1] for line in maps if ".so" in line})
    except OSError:
        return "unknown", False
    names = [path.rsplit("/", 1)[1] for path in loaded]
    for fast in ("openblas", "mkl", "blis", "armpl", "atlas", "flexiblas"):
        for path, name in zip(loaded, names):
            if fast in name.lower():
                return name, False
    for name in names:
        if name.startswith(("libblas.so", "libblas-")):
            return name, True
    return "built in", False


def about():
    try:
        import pytorch_metric_learning
        from pytorch_metric_learning import losses, miners  # noqa: F401, what they need may be missing
        library = pytorch_metric_learning.__version__
    except ImportError:
        library = ""
    capability = getattr(getattr(torch.backends, "cpu", None), "get_cpu_capability", None)
    config = torch.__config__.show()
    vectors = capability() if capability else next(
        (line.split(":", 1)[1].strip() for line in config.splitlines() if "CPU capability" in line), "")
    product, reference = blas(config)
    return {"blas": product, "reference_blas": reference, "python": sys.version.split()[0], "torch": torch.__version__,
            "pytorch_metric_learning": library, "config": config, "vectors": vectors}


# Inputs: the same numbers as on the other side (inputs.go).

def noise(n, seed):
    return torch.from_numpy(rules.noise(n, seed))


def unit_rows(n, d, seed):
    x = noise(n * d, seed).view(n, d).double()
    return (x / x.norm(dim=1, keepdim=True)).float()


def grouped(n, per_class):
    return torch.arange(n) // per_class


# Measuring.

def peak_memory():
    """The most memory held, in bytes; not what the process was before exec."""
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) << 10
    except OSError:
        pass
    return 0


# Networks.

class Normalise(nn.Module):
    def forward(self, x):
        return F.normalize(x)


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(True), nn.Linear(512, 256), nn.ReLU(True),
                         nn.Linear(256, 64), Normalise())


def cnn(norm):
    layers, before = [], 1
    for i, width in enumerate((32, 64, 128)):
        layers.append(nn.Conv2d(before, width, 3, padding=1, bias=not norm))
        if norm:
            layers.append(nn.BatchNorm2d(width))
        layers.append(nn.ReLU(True))
        layers.append(nn.MaxPool2d(2) if i < 2 else nn.AdaptiveAvgPool2d(1))
        before = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128, 64), Normalise())


class Block(nn.Module):
    """The basic block of He et al. 2016."""

    def __init__(self, before, width, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(True),
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))
        self.shortcut = nn.Identity() if stride == 1 and before == width else nn.Sequential(
            nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        return F.relu_(self.body(x) + self.shortcut(x))


def resnet18():
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(True), nn.MaxPool2d(3, 2, 1)]
    before = 64
    for width in (64, 128, 256, 512):
        layers += [Block(before, width, 1 if width == 64 else 2), Block(width, width, 1)]
        before = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 64), Normalise())


class Bottleneck(nn.Module):
    """The bottleneck of He et al. 2016 with its stride in the 3x3 convolution, as torchvision has it."""

    def __init__(self, before, width, stride):
        super().__init__()
        after = 4 * width
        self.body = nn.Sequential(
            nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(True),
            nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(True),
            nn.Conv2d(width, after, 1, bias=False), nn.BatchNorm2d(after))
        self.shortcut = nn.Identity() if stride == 1 and before == after else nn.Sequential(
            nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        return F.relu_(self.body(x) + self.shortcut(x))


def resnet50():
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(True), nn.MaxPool2d(3, 2, 1)]
    before = 64
    for width, depth in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for i in range(depth):
            layers.append(Bottleneck(before, width, 2 if i == 0 and width > 64 else 1))
            before = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 64), Normalise())


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, d))


class ScaledBlock(nn.Module):
    """The block of Dosovitskiy et al. 2021 with LayerScale, as DINOv2 has it."""

    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, 1e-6), nn.LayerNorm(width, 1e-6)
        self.attn = Attention(width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.gamma1, self.gamma2 = nn.Parameter(torch.full((width,), 1e-5)), nn.Parameter(torch.full((width,), 1e-5))

    def forward(self, x):
        x = x + self.gamma1 * self.attn(self.norm1(x))
        return x + self.gamma2 * self.mlp(self.norm2(x))


class SmallViT(nn.Module):
    def __init__(self, width=384, heads=6, depth=12, patch=14, side=224):
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(0.02 * torch.randn(1, 1 + (side // patch) ** 2, width))
        self.blocks = nn.Sequential(*(ScaledBlock(width, heads) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width, 1e-6), nn.Linear(width, 64)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.token.expand(len(x), -1, -1), x), 1) + self.positions
        return F.normalize(self.head(self.norm(self.blocks(x))[:, 0]))


NETS = {"mlp": (mlp, (1, 28, 28)), "cnn": (lambda: cnn(False), (1, 28, 28)),
        "cnn-bn": (lambda: cnn(True), (1, 28, 28)), "resnet18": (resnet18, (3, 64, 64)),
        "resnet50": (resnet50, (3, 224, 224)), "vit-small-14": (SmallViT, (3, 224, 224))}
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


# Losses by hand: no loop over rows, no index lists where a mask does, one product for all
# distances. The forms, margins and averages are those of pytorch-metric-learning.

def distances(e):
    """Euclidean distances (N, N) of rows that are brought to length 1."""
    e = F.normalize(e)
    return torch.addmm(e.new_full((1, 1), 2.0), e, e.t(), alpha=-2).clamp_(min=1e-12).sqrt_()


def pairs(y):
    same = y.unsqueeze(1) == y.unsqueeze(0)
    positive = same.clone()
    positive.fill_diagonal_(False)
    return positive, ~same


def mean_of_positive(terms):
    """The average of the terms above 0, and 0 of none."""
    return terms.sum() / (terms.detach() > 0).sum().clamp_(min=1)


def contrastive(e, y):
    d = distances(e)
    positive, negative = pairs(y)
    return mean_of_positive(d * positive) + mean_of_positive(F.relu(1 - d) * negative)


def batch_hard(e, y):
    d = distances(e)
    positive, negative = pairs(y)
    farthest = d.masked_fill(~positive, float("-inf")).amax(1)
    nearest = d.masked_fill(~negative, float("inf")).amin(1)
    return mean_of_positive(F.relu(farthest - nearest + 0.2))


def all_triplets(e, y):
    d = distances(e)
    positive, negative = pairs(y)
    anchor, other = positive.nonzero(as_tuple=True)
    far = d.masked_fill(~negative, float("inf"))  # leaves no term
    return mean_of_positive(F.relu(d[anchor, other].add(0.2).unsqueeze(1) - far[anchor]))


def lifted(e, y):
    d = distances(e)
    positive, negative = pairs(y)
    end = (1 - d).masked_fill(~negative, float("-inf")).logsumexp(1)
    anchor, other = positive.nonzero(as_tuple=True)
    j = torch.logaddexp(end[anchor], end[other]) + d[anchor, other]
    return F.relu(j).square().mean() / 2


def multi_similarity(e, y):
    s = e @ e.t()  # the embeddings are normalised
    positive, negative = pairs(y)
    none = torch.finfo(s.dtype).min
    pull = F.softplus((1 - 2 * s).masked_fill(~positive, none).logsumexp(1)) / 2
    push = F.softplus((50 * s - 25).masked_fill(~negative, none).logsumexp(1)) / 50
    return (pull + push).mean()


BY_HAND = {"contrastive": contrastive, "batch-hard": batch_hard, "multi-similarity": multi_similarity,
           "all-triplets": all_triplets, "lifted": lifted}


def forgetful(loss):
    """A DynamicSoftMarginLoss whose histogram is that of the last call, without the last call's graph:
    the library keeps the graph with it, and a second backward pass fails."""
    def call(e, y):
        loss.hist_ = loss.hist_.detach()
        return loss(e, y)
    return call


def from_library(job):
    """The loss as pytorch-metric-learning computes it."""
    from pytorch_metric_learning import losses, miners
    from pytorch_metric_learning.utils import common_functions
    common_functions.COLLECT_STATS = False
    name = job["loss"]
    if "peer" in job:  # our own text
        made = eval(job["peer"], {"L": losses, "M": miners, "C": job["batch"] // job["class"], "torch": torch})
        if isinstance(made, losses.DynamicSoftMarginLoss):
            return forgetful(made)
        if not isinstance(made, tuple):
            return made
        loss, miner = made
        return lambda e, y: loss(e, y, miner(e, y))
    if name == "contrastive":
        return losses.ContrastiveLoss(pos_margin=0, neg_margin=1)
    if name == "lifted":
        return losses.LiftedStructureLoss(neg_margin=1, pos_margin=0)
    if name == "multi-similarity":
        return losses.MultiSimilarityLoss(alpha=2, beta=50, base=0.5)
    triplet = losses.TripletMarginLoss(margin=0.2)
    if name == "all-triplets":
        return triplet
    miner = miners.BatchHardMiner()
    return lambda e, y: triplet(e, y, miner(e, y))


# Workloads.

def optimisers(parameters):
    """The forms of Adam that this PyTorch has."""
    ways = {}
    for name, options in (("plain", {"foreach": False}), ("foreach", {"foreach": True}), ("fused", {"fused": True})):
        try:
            ways[name] = torch.optim.Adam(parameters, 1e-3, **options)
        except (TypeError, RuntimeError):  # not in this version, or not on a CPU
            pass
    return ways


class Training:
    def __init__(self, job, layout):
        make, shape = NETS[job["net"]]
        torch.manual_seed(1)
        self.net = make().to(memory_format=LAYOUTS[layout]).train()
        size = job["batch"] * shape[0] * shape[1] * shape[2]
        self.batches = [noise(size, i).view(job["batch"], *shape).contiguous(memory_format=LAYOUTS[layout])
                        for i in range(BATCHES)]
        self.labels = grouped(job["batch"], job["class"])
        self.loss = BY_HAND[job["loss"]]
        self.optimiser = torch.optim.Adam(self.net.parameters(), 1e-3)
        self.next = 0

    def step(self):
        x = self.batches[self.next]
        self.next = (self.next + 1) % BATCHES
        self.optimiser.zero_grad(set_to_none=True)
        self.loss(self.net(x), self.labels).backward()
        self.optimiser.step()

    def choose_optimiser(self, seconds):
        self.step()
        ways = {}
        for name, way in optimisers(list(self.net.parameters())).items():
            try:
                way.step()
                ways[name] = way
            except RuntimeError:  # offered, but not on a CPU
                pass
        chosen = fastest({name: way.step for name, way in ways.items()}, seconds)
        self.optimiser = ways[chosen]
        return chosen


def layouts(job):
    return ["contiguous"] if job["net"] == "mlp" else list(LAYOUTS)


def train(job):
    if job.get("way"):
        layout, form = job["way"].removesuffix(" Adam").split(", ")
        chosen = Training(job, layout)
        chosen.optimiser = optimisers(list(chosen.net.parameters()))[form]
    else:
        sides = {layout: Training(job, layout) for layout in layouts(job)}
        layout = fastest({name: side.step for name, side in sides.items()}, 0.3)
        chosen = sides[layout]
        form = chosen.choose_optimiser(0.1)
    return dict(measure(job["seconds"], chosen.step), way=f"{layout}, {form} Adam")


def start(job):
    training = Training(job, "contiguous")
    for i in range(job["steps"] + 1):
        training.step()
        if i == 0:
            print("first step", flush=True)
    return {"peak": peak_memory()}


def compiled(net, x):
    """The net as a frozen graph, in which batch norm is folded into the convolutions."""
    graph = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, x)))
    for _ in range(2):  # the profiling executor settles
        graph(x)
    return graph


def infer(job):
    make, shape = NETS[job["net"]]
    torch.manual_seed(1)
    size = job["batch"] * shape[0] * shape[1] * shape[2]
    ways = {}
    with torch.no_grad():
        for layout in layouts(job):
            net = make().to(memory_format=LAYOUTS[layout]).eval()
            x = noise(size, 0).view(job["batch"], *shape).contiguous(memory_format=LAYOUTS[layout])
            for form in ("eager", "frozen graph"):
                name = f"{layout}, {form}"
                if job.get("way", name) != name:
                    continue
                try:
                    ways[name] = (net if form == "eager" else compiled(net, x), x)
                except RuntimeError:  # not in this build
                    pass
    with torch.inference_mode():
        way = job.get("way") or fastest({name: (lambda net=net, x=x: net(x)) for name, (net, x) in ways.items()}, 0.3)
        net, x = ways[way]
        return dict(measure(job["seconds"], lambda: net(x)), way=way)


def loss(job):
    e = unit_rows(job["batch"], job["size"], 1).requires_grad_()
    y = grouped(job["batch"], job["class"])
    function = BY_HAND[job["loss"]] if job["variant"] == "pytorch" else from_library(job)
    before = peak_memory()
    value = None

    def run():
        nonlocal value
        e.grad = None
        value = function(e, y)
        value.backward()

    result = measure(job["seconds"], run)
    return dict(result, value=value.item(), before=before, peak=peak_memory())


RECALL_CLASSES = 10


def recall(job):
    query, gallery = unit_rows(job["batch"], job["size"], 1), unit_rows(job["rows"], job["size"], 2)
    query_labels = torch.arange(job["batch"]) % RECALL_CLASSES
    gallery_labels = torch.arange(job["rows"]) % RECALL_CLASSES
    across = gallery.t()
    hits = 0

    def some(rows, buffer, lo):
        q = query[lo:lo + rows]
        scores = torch.mm(q, across, out=buffer[:len(q)])
        return (gallery_labels[scores.max(1)[1]] == query_labels[lo:lo + rows]).sum().item()

    given = job.get("way", "").split(" ")[0]
    buffers = {rows: torch.empty(rows, job["rows"]) for rows in ([int(given)] if given else (100, 300, 1000))}

    def everything(rows):
        nonlocal hits
        hits = sum(some(rows, buffers[rows], lo) for lo in range(0, job["batch"], rows))

    with torch.inference_mode():
        # as many queries for each way, so that calls compare
        ways = {rows: (lambda rows=rows: [some(rows, buffers[rows], lo) for lo in range(0, min(1000, job["batch"]), rows)])
                for rows in buffers}
        rows = int(given) if given else fastest(ways, 0.2)
        result = measure(job["seconds"], lambda: everything(rows))
    return dict(result, value=hits / job["batch"], way=f"{rows} queries at a time")


def gemm(job):
    n = job["size"]
    a, b, c = noise(n * n, 1).view(n, n), noise(n * n, 2).view(n, n), torch.empty(n, n)
    with torch.inference_mode():
        result = measure(job["seconds"], lambda: torch.mm(a, b, out=c))
    return dict(result, value=c[0, 0].item())


# Ops alone, on the shapes of ops.go.

def depthwise(c, side, window, stride):
    return ((2, c, side, side), (c, 1, window, window)), \
        lambda x, w: F.conv2d(x, w, stride=stride, padding=window // 2, groups=c)


OPS = {
    "gelu": (((4 * 197, 1536),), F.gelu),
    "gelu-tanh": (((4 * 197, 1536),), lambda x: F.gelu(x, approximate="tanh")),
    "layernorm": (((4 * 197, 384), (384,), (384,)), lambda x, g, b: F.layer_norm(x, (384,), g, b, 1e-6)),
    "softmax": (((24, 197, 197),), lambda x: torch.softmax(x, 2)),
    "matmul-batch": (((24, 197, 64), (24, 197, 64)), lambda a, b: a @ b.transpose(1, 2)),
    "permute-nchw-nhwc": (((2, 96, 56, 56),), lambda x: x.permute(0, 2, 3, 1).contiguous()),
    "depthwise-7x7/96/56": depthwise(96, 56, 7, 1),
    "depthwise-3x3/144/56": depthwise(144, 56, 3, 1),
    "depthwise-3x3s2/144/56": depthwise(144, 56, 3, 2),
    "depthwise-5x5/672/14": depthwise(672, 14, 5, 1),
}


def op(job):
    shapes, function = OPS[job["op"]]
    inputs = [noise(math.prod(s), i).view(s) for i, s in enumerate(shapes)]
    value = None

    def forward():
        nonlocal value
        value = function(*inputs)

    if job["pass"] == "forward":
        with torch.inference_mode():
            result = measure(job["seconds"], forward)
        return dict(result, value=value.flatten()[0].item())
    for x in inputs:
        x.requires_grad_()
    y = function(*inputs)
    weights = noise(y.numel(), 9).view(y.shape)

    def gradients():
        nonlocal value
        for x in inputs:
            x.grad = None
        value = (function(*inputs) * weights).sum()
        value.backward()

    result = measure(job["seconds"], gradients)
    return dict(result, value=value.item())


# On a GPU.

def device_of(name):
    return torch.device("cuda:0" if name == "cuda" else name)


def about_gpu(name):
    if not torch.version.cuda:
        return {"no_cuda": "it was built without CUDA"}
    try:
        device = device_of(name)
        torch.ones(2, device=device).sum().item()  # its kernels are made for this card
    except (AssertionError, RuntimeError) as error:
        return {"no_cuda": reason(error)}
    number = torch.backends.cudnn.version() or 0
    parts = (number // 10000, number // 100 % 100) if number >= 90000 else (number // 1000, number // 100 % 10)
    return {"cuda": torch.version.cuda, "cudnn": "%d.%d.%d" % (*parts, number % 100) if number else "not there",
            "card": torch.cuda.get_device_name(device), "compile": hasattr(torch, "compile")}


def open_device(job):
    device, tf32 = device_of(job["device"]), job.get("tf32", False)
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


def reason(error):
    """Why something fails, in one line."""
    lines = str(error).strip().splitlines() or [""]
    if "out of memory" in lines[0]:
        return ". ".join(lines[0].split(". ")[:2])  # and how much was asked for
    return f"{type(error).__name__}: {lines[0][:200]}"


def wait(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def forget_peak(device):
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def device_peak(device):
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0


def release(device):
    """Gives back what no tensor holds any more, and what was compiled."""
    if "torch._dynamo" in sys.modules:
        torch._dynamo.reset()
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def block(step, device, n):
    """The seconds of each of n runs with one wait at their end."""
    began = time.perf_counter()
    for _ in range(n):
        step()
    wait(device)
    return (time.perf_counter() - began) / n


def measure_blocks(seconds, step, device):
    began, warm = time.perf_counter(), 0
    while warm < GPU_WARM_UPS or time.perf_counter() - began < seconds / 2:
        one = block(step, device, 1)
        warm += 1
    n = max(1, int(seconds / GPU_BLOCKS / one))
    times, cpu, began = [], time.process_time(), time.perf_counter()
    while True:
        times.append(block(step, device, n))
        total = time.perf_counter() - began
        if (total >= seconds and len(times) >= AT_LEAST) or total >= MOST_OF * seconds:
            break
    return {"seconds": statistics.median(times), "best": min(times), "runs": n * len(times),
            "cores": (time.process_time() - cpu) / total}


# The executions beside eager: whether the whole run is captured as a CUDA graph, and the mode
# of torch.compile for forward and backward.
EXECUTIONS = {"eager": (False, ""), "CUDA graph": (True, ""), "reduce-overhead": (False, "reduce-overhead"),
              "max-autotune in a CUDA graph": (True, "max-autotune-no-cudagraphs")}


def executions(job, device):
    """Those that there are, the quickly made ones first."""
    if device.type != "cuda":
        return ["eager"]
    names = ["eager"]
    if hasattr(torch.cuda, "CUDAGraph"):
        names.append("CUDA graph")
    if hasattr(torch, "compile") and job.get("compile", 0) > 0:
        names += ["reduce-overhead", "max-autotune in a CUDA graph"]
    return names


class Run:
    """Forward, backward and the optimiser, if there is one, over inputs that stay where they
    are on the device; what comes from the host is copied into them before."""

    def __init__(self, device, execution, compute, inputs, parameters, host=(), optimiser=None):
        self.device, self.inputs, self.parameters, self.host, self.optimiser = device, inputs, parameters, host, optimiser
        self.value = self.graph = None
        captured, mode = EXECUTIONS[execution]
        self.compute = torch.compile(compute, mode=mode, dynamic=False) if mode else compute
        self.mark = getattr(getattr(torch, "compiler", None), "cudagraph_mark_step_begin", None) if mode and not captured else None
        if captured:
            self.graph = self.capture()
            return
        forget_peak(device)
        for _ in range(WARM_UPS):
            self.step()
        wait(device)
        if not mode:  # else the warm-up has made what every run uses
            forget_peak(device)

    def clear(self):
        for p in self.parameters:
            p.grad = None

    def work(self):
        value = self.compute(*self.inputs)
        value.backward()
        if self.optimiser:
            self.optimiser.step()
        self.value = value.detach()  # a graph of autograd that lived on would disturb a capture

    def capture(self):
        """The work as a CUDA graph, after a warm-up on a side stream. Gradients are taken
        away before, so that the graph has them in its own memory and writes them anew."""
        side, current = torch.cuda.Stream(self.device), torch.cuda.current_stream(self.device)
        side.wait_stream(current)
        with torch.cuda.stream(side):
            for _ in range(WARM_UPS):
                self.clear()
                self.work()
        current.wait_stream(side)
        wait(self.device)
        self.clear()
        forget_peak(self.device)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.work()
        return graph

    def step(self):
        for to, source in zip(self.inputs, self.host):
            to.copy_(source, non_blocking=True)
        if self.graph:
            self.graph.replay()
            return
        self.value = None
        if self.mark:
            self.mark()
        self.clear()
        self.work()


@contextlib.contextmanager
def time_limit(seconds):
    """Raises TimeoutError inside when the time is up, again and again if it gets lost."""
    def ring(*_):
        raise TimeoutError(f"no result in {seconds:g} s")

    if not seconds:
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class NoWay(Exception):
    """None of the ways goes."""


class Search:
    """The fastest of the ways that build makes; each is made, timed and given back before the
    next one, so that all the memory is there for it."""

    def __init__(self, build, device, compile_limit):
        self.build, self.device, self.compile_limit = build, device, compile_limit
        self.times, self.tried = {}, []

    def time(self, way):
        compiled = any(mode and name in way for name, (_, mode) in EXECUTIONS.items())
        with time_limit(self.compile_limit if compiled else 0):
            run = self.build(way)
            one = block(run.step, self.device, 1)
            return min(block(run.step, self.device, max(1, int(0.1 / one))) for _ in range(3))

    def among(self, ways, otherwise=()):
        """The fastest; if none of them goes, that of the others."""
        for way in ways:
            if way in self.times:
                continue
            try:
                self.times[way] = self.time(way)
                self.tried.append(f"{way}: {self.times[way] * 1e3:.4g} ms")
            except Exception as error:  # whatever it is, the other ways go on
                self.tried.append(f"{way}: {reason(error)}")
            release(self.device)
        done = [way for way in ways if way in self.times]
        if not done and otherwise:
            return self.among(otherwise)
        if not done:
            raise NoWay("; ".join(self.tried))
        return min(done, key=self.times.get)


def measure_way(job, device, build, way, tried):
    """Measures the way, made alone."""
    run = build(way)
    result = dict(measure_blocks(job["seconds"], run.step, device), way=way, tried=tried)
    value = run.value.item()
    if not math.isfinite(value):
        raise ValueError(f"the loss is {value}")
    return dict(result, device_memory=device_peak(device)), value


class Whole(nn.Module):
    """A net with its loss."""

    def __init__(self, net, loss):
        super().__init__()
        self.net, self.loss = net, loss

    def forward(self, x, y):
        return self.loss(self.net(x), y)


FORMS = {"plain": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}


def train_on_device(job):
    device = open_device(job)
    pin = (lambda t: t.pin_memory()) if device.type == "cuda" else (lambda t: t)

    def build(way):
        layout, form, execution = way.replace(" Adam", "").split(", ")
        make, shape = NETS[job["net"]]
        torch.manual_seed(1)
        net = make().to(device, memory_format=LAYOUTS[layout]).train()
        size = job["batch"] * shape[0] * shape[1] * shape[2]
        x = noise(size, 0).view(job["batch"], *shape).contiguous(memory_format=LAYOUTS[layout])
        host = [pin(x), pin(grouped(job["batch"], job["class"]))]
        inputs = [t.to(device, copy=True) for t in host]
        parameters = list(net.parameters())
        optimiser = torch.optim.Adam(parameters, 1e-3, capturable=EXECUTIONS[execution][0], **FORMS[form])
        return Run(device, execution, Whole(net, BY_HAND[job["loss"]]), inputs, parameters,
                   host=() if job.get("resident") else host, optimiser=optimiser)

    def name(layout, form, execution):
        return f"{layout}, {form} Adam, {execution}"

    way, search = job.get("way"), Search(build, device, job.get("compile", 0))
    if not way and job["variant"] == "pytorch":
        layout = search.among([name(layout, "foreach", "eager") for layout in layouts(job)]).split(", ")[0]
        way = search.among([name(layout, form, "eager") for form in FORMS])
    elif not way:
        usable = executions(job, device)
        captured, eager = ([name(layout, form, execution) for layout in layouts(job) for form in ("foreach", "fused")]
                           for execution in ("CUDA graph", "eager"))
        first = search.among(captured if "CUDA graph" in usable else eager, eager)
        layout, form, _ = first.replace(" Adam", "").split(", ")
        way = search.among([name(layout, form, execution) for execution in usable])
    return measure_way(job, device, build, way, search.tried)[0]


# Losses whose batches are known to have K rows of each class: the positive pairs of a row are
# found without asking the GPU how many there are, as a CUDA graph needs it.

def other_positives(positive, k):
    """The columns (N, K − 1) of the rows' positive pairs."""
    return positive.float().topk(k - 1, dim=1, sorted=False)[1]


def all_triplets_of(k):
    def all_triplets_known(e, y):
        d = distances(e)
        positive, negative = pairs(y)
        other = other_positives(positive, k)
        far = d.masked_fill(~negative, float("inf"))
        return mean_of_positive(F.relu(d.gather(1, other).add(0.2).unsqueeze(2) - far.unsqueeze(1)))
    return all_triplets_known


def lifted_of(k):
    def lifted_known(e, y):
        d = distances(e)
        positive, negative = pairs(y)
        other = other_positives(positive, k)
        end = (1 - d).masked_fill(~negative, float("-inf")).logsumexp(1)
        ends = end.index_select(0, other.reshape(-1)).view_as(other)
        j = torch.logaddexp(end.unsqueeze(1), ends) + d.gather(1, other)
        return F.relu(j).square().mean() / 2
    return lifted_known


WITH_K = {"all-triplets": all_triplets_of, "lifted": lifted_of}


def loss_on_device(job):
    device = open_device(job)
    known = ", K known"

    def build(way):
        if job["variant"] == "pytorch-metric-learning":
            function = from_library(job)
        elif way.endswith(known):
            function = WITH_K[job["loss"]](job["class"])
        else:
            function = BY_HAND[job["loss"]]
        e = unit_rows(job["batch"], job["size"], 1).to(device).requires_grad_()
        return Run(device, way[:-len(known)] if way.endswith(known) else way, function,
                   [e, grouped(job["batch"], job["class"]).to(device)], [e])

    way, search = job.get("way") or "eager", Search(build, device, job.get("compile", 0))
    if not job.get("way") and job["variant"] == "pytorch, best":
        names = executions(job, device)
        if job["loss"] in WITH_K:
            names = ["eager"] + [name + known for name in names]
        way = search.among(names)
    result, value = measure_way(job, device, build, way, search.tried)
    return dict(result, value=value)


def on_device(job):
    """The result, or, since a loss too large for the device is no accident, why there is none."""
    try:
        return {"train": train_on_device, "loss": loss_on_device}[job["kind"]](job)
    except Exception as error:
        return {"error": str(error) if isinstance(error, NoWay) else reason(error)}


def main():
    if sys.argv[1] == "about":
        print(json.dumps(dict(about(), **about_gpu(sys.argv[2])) if len(sys.argv) > 2 else about()))
        return
    job = json.loads(sys.argv[1])
    if job["threads"]:
        torch.set_num_threads(job["threads"])
    if job.get("device"):
        print(json.dumps(on_device(job)), flush=True)
        os._exit(0)  # a compiler that was broken off may have threads left, which nobody waits for
    kinds = {"train": train, "infer": infer, "embed": infer, "loss": loss, "recall": recall, "gemm": gemm, "op": op, "start": start}
    print(json.dumps(kinds[job["kind"]](job)), flush=True)


if __name__ == "__main__":
    main()
