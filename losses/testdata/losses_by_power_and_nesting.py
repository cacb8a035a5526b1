"""Writes losses_by_power_and_nesting.json: losses of pytorch-metric-learning with norms other
than 1 and 2, with powers of distances and similarities, and with reducers in reducers.

    pip install pytorch-metric-learning==2.8.1
    python losses_by_power_and_nesting.py > losses_by_power_and_nesting.json

Run it beside losses_by_distance.json and pair_losses.json, of which it takes the inputs.
"""
import json
import math
from importlib import metadata

import torch
from pytorch_metric_learning import distances, losses, reducers

with open("losses_by_distance.json") as f:
    INPUTS = {k: v for k, v in json.load(f)["inputs"].items() if k in ("hand8", "imb12", "pk32")}
with open("pair_losses.json") as f:
    INPUTS["dup8"] = json.load(f)["inputs"]["dup8"]

MARGINS_OF_SIMILARITY = {"ContrastiveLoss": {"pos_margin": 1, "neg_margin": 0}}
VARIANTS = [
    ("ContrastiveLoss", "", {}),
    ("TripletMarginLoss", "", {}),
    ("TripletMarginLoss", "swap", {"swap": True}),
    ("TripletMarginLoss", "smooth", {"smooth_loss": True}),
    ("LiftedStructureLoss", "", {}),
    ("GeneralizedLiftedStructureLoss", "", {}),
    ("MultiSimilarityLoss", "", {}),
]
DISTANCES = [
    ("LpDistance", {"p": 3}),
    ("LpDistance", {"p": 3, "normalize_embeddings": False}),
    ("LpDistance", {"p": 1, "power": 2}),
    ("LpDistance", {"p": 3, "power": 2}),
    ("CosineSimilarity", {"power": 2}),
    ("DotProductSimilarity", {"power": 2}),
    ("DotProductSimilarity", {"power": 2, "normalize_embeddings": False}),
    ("SNRDistance", {"power": 2}),
]
# Rarer settings, for two losses alone.
FEW = ["ContrastiveLoss", "GeneralizedLiftedStructureLoss"]
FEW_DISTANCES = [
    ("LpDistance", {"p": 1.5, "power": 3}),
    ("CosineSimilarity", {"power": 3}),
    ("DotProductSimilarity", {"p": 3, "power": 2}),
    ("SNRDistance", {"p": 3, "power": 2}),
    ("SNRDistance", {"power": 2, "normalize_embeddings": False}),
]


def of(name, **params):
    return {"reducer": name, "reducer_params": params}


MEAN, NONZERO, SUM = of("MeanReducer"), of("AvgNonZeroReducer"), of("SumReducer")
PER_ANCHOR = [of("PerAnchorReducer", **inner) for inner in (MEAN, NONZERO, SUM)]
MULTIPLE = [
    of("MultipleReducers", reducers={"pos_loss": SUM, "neg_loss": NONZERO}),
    of("MultipleReducers", reducers={"pos_loss": MEAN, "neg_loss": of("ThresholdReducer", low=0.05, high=0.4)}),
    of("MultipleReducers", reducers={"neg_loss": of("PerAnchorReducer", **NONZERO)}),
    of("MultipleReducers", reducers={"pos_loss": of("PerAnchorReducer", **SUM)}, default=NONZERO),
]


def built(r):
    """The reducer that a description means."""
    params = dict(r["reducer_params"])
    if r["reducer"] == "PerAnchorReducer":
        params = {"reducer": built(params)}
    if r["reducer"] == "MultipleReducers":
        rest = params.get("default")
        params = {"reducers": {k: built(v) for k, v in params["reducers"].items()},
                  "default_reducer": built(rest) if rest else None}
    return getattr(reducers, r["reducer"])(**params)


def number(x):
    x = float(x)
    return x if math.isfinite(x) else str(x)


def numbers(xs):
    return [number(x) for x in xs]


def probe(n):
    return torch.tensor([(j * 37 + 11) % 101 / 101 - 0.5 for j in range(n)], dtype=torch.float64)


def gradient(a):
    n, d = a.shape
    if n * d <= 72:
        return {"shape": [n, d], "full": [numbers(row) for row in a]}
    return {"shape": [n, d], "rows": {str(n // 3): numbers(a[n // 3])}, "row_dot_probe": numbers(a @ probe(d)),
            "col_dot_probe": numbers(a.T @ probe(n)), "fro": number(a.norm()), "sum": number(a.sum())}


def differences(f, x, grad, h=1e-6):
    """The largest difference between the gradient and central differences."""
    worst = 0.0
    for i in range(x.numel()):
        step = torch.zeros(x.numel(), dtype=torch.float64)
        step[i] = h
        step = step.reshape(x.shape)
        with torch.no_grad():
            slope = (f(x + step) - f(x - step)) / (2 * h)
        worst = max(worst, abs(float(slope - grad.flatten()[i])))
    return worst


def record(case, loss, variant, params, distance=None, reducer=None):
    out = {"case": case, "loss": loss}
    if variant:
        out["variant"] = loss + "#" + variant
    out["params"] = dict(params)
    args = dict(params)
    if distance:
        d = args["distance"] = getattr(distances, distance[0])(**distance[1])
        out["distance"] = {"type": distance[0], "p": d.p, "power": d.power,
                           "normalize_embeddings": d.normalize_embeddings, "is_inverted": d.is_inverted}
        if d.is_inverted:
            margins = MARGINS_OF_SIMILARITY.get(loss, {})
            args.update(margins)
            out["params"].update(margins)
    if reducer:
        args["reducer"] = built(reducer)
        out.update(reducer)
    of_pml = getattr(losses, loss)(**args)
    labels = torch.tensor(INPUTS[case]["labels"])
    x = torch.tensor(INPUTS[case]["embeddings"], dtype=torch.float64, requires_grad=True)
    try:
        value = of_pml(x, labels)
    except Exception as e:
        out["raises"] = f"{type(e).__name__}: {e}"
        return out
    value.backward()
    out["value"], out["grad"] = number(value), gradient(x.grad)
    if x.numel() <= 72:
        out["fd_max_abs_err"] = number(differences(lambda y: of_pml(y, labels), x.detach(), x.grad))
    return out


def thresholds(loss, params, case):
    """Bounds that some of the loss's terms pass and others do not."""
    terms = []

    class Seen(reducers.SumReducer):
        def element_reduction(self, losses, *rest):
            terms.extend(losses.flatten().tolist())
            return super().element_reduction(losses, *rest)

    getattr(losses, loss)(**params, reducer=Seen())(
        torch.tensor(INPUTS[case]["embeddings"], dtype=torch.float64), torch.tensor(INPUTS[case]["labels"]))
    terms = sorted({round(t, 9) for t in terms if t > 0})
    cuts = [i * (len(terms) - 1) // 4 for i in (1, 3)]
    low, high = ((terms[i] + terms[i + 1]) / 2 for i in cuts)  # between two terms
    return low, high


def records():
    for loss, variant, params in VARIANTS:
        for distance in DISTANCES + (FEW_DISTANCES if loss in FEW else []):
            for case in INPUTS:
                # Of equal rows the cosine is 1 but for its rounding, where terms have their kink.
                if case == "dup8" and distance[0] in ("CosineSimilarity", "DotProductSimilarity"):
                    continue
                yield record(case, loss, variant, params, distance)
        for case in INPUTS:
            low, high = thresholds(loss, params, case)
            by = [of("ThresholdReducer", low=low, high=high)]
            if loss in ("ContrastiveLoss", "GeneralizedLiftedStructureLoss", "MultiSimilarityLoss"):
                by += PER_ANCHOR + [of("PerAnchorReducer", **of("ThresholdReducer", low=low))]
            if loss == "ContrastiveLoss":
                by += MULTIPLE
            for reducer in by:
                yield record(case, loss, variant, params, None, reducer)
    # A distance and a reducer together.
    for reducer in (PER_ANCHOR[1], MULTIPLE[2]):
        for distance in (("LpDistance", {"p": 3, "power": 2}), ("SNRDistance", {"power": 2})):
            for case in INPUTS:
                yield record(case, "ContrastiveLoss", "", {}, distance, reducer)


torch.set_num_threads(1)
print(json.dumps({
    "family": "losses_by_power_and_nesting",
    "meta": {
        "script": "losses_by_power_and_nesting.py",
        "oracle": "pytorch-metric-learning " + metadata.version("pytorch-metric-learning"),
        "torch": torch.__version__,
        "dtype": "float64",
        "notes": [
            "numbers are printed so that they round-trip; strings 'nan', 'inf', '-inf' stand for non-finite values",
            "grad: {'shape','full'} or, for big ones, row n//3 + row_dot_probe = A@probe(D), col_dot_probe = A^T@probe(N), fro, sum, with probe(n)[j]=((j*37+11)%101)/101-0.5",
            "fd_max_abs_err: largest difference between the gradient and central differences (h=1e-6), of small inputs; large where the loss has a kink there",
            "reducer_params of PerAnchorReducer are the reducer within it; those of MultipleReducers are reducers by sub-loss and the default",
        ],
    },
    "inputs": INPUTS,
    "records": list(records()),
}, separators=(",", ":")))
