"""Trajectories of torch.optim in float64, for torch_test.go: python3 make_torch.py > torch.json"""
import json
import torch

STEPS, SHAPE = 12, (3, 4)
torch.manual_seed(3)
start = torch.randn(SHAPE, dtype=torch.float64)
bias = torch.randn(SHAPE[0], dtype=torch.float64)
# Of float32 exactly, as both sides read them.
start, bias = start.float().double(), bias.float().double()
grads = [[(torch.randn(SHAPE) * 3).double(), torch.randn(SHAPE[0]).double()] for _ in range(STEPS)]

CASES = {
    "sgd": dict(opt="SGD", config=dict(name="sgd", lr=0.1)),
    "sgd momentum decay": dict(opt="SGD", config=dict(name="sgd", lr=0.1, momentum=0.9, weight_decay=0.01)),
    "sgd nesterov": dict(opt="SGD", config=dict(name="sgd", lr=0.1, momentum=0.8, nesterov=True, weight_decay=0.01)),
    "adam": dict(opt="Adam", config=dict(name="adam", lr=0.01)),
    "adam decay": dict(opt="Adam", config=dict(name="adam", lr=0.02, beta1=0.7, beta2=0.95, eps=1e-3, weight_decay=0.1)),
    "adamw": dict(opt="AdamW", config=dict(name="adamw", lr=0.01, weight_decay=0.3)),
    "rmsprop": dict(opt="RMSprop", config=dict(name="rmsprop", lr=0.01, weight_decay=0.1)),
    "rmsprop momentum": dict(opt="RMSprop", config=dict(name="rmsprop", lr=0.01, alpha=0.9, momentum=0.9, eps=1e-4)),
    "adamw clipped by norm": dict(opt="AdamW", config=dict(name="adamw", lr=0.01, weight_decay=0.3), clip=1.5),
    "sgd clipped by value": dict(opt="SGD", config=dict(name="sgd", lr=0.1, momentum=0.9), clip_value=0.75),
    "adam of two groups": dict(opt="Adam", config=dict(name="adam", lr=0.01, weight_decay=0.1), bias=dict(lr=0.25, decay=3.0)),
    "adam cosine": dict(opt="Adam", config=dict(name="adam", lr=0.01), cosine=True),
}


def keywords(c):
    k = {"lr": c["lr"], "weight_decay": c.get("weight_decay", 0)}
    if c["name"] in ("adam", "adamw"):
        k["betas"] = (c.get("beta1", 0.9), c.get("beta2", 0.999))
    for name in ("momentum", "nesterov", "alpha", "eps"):
        if name in c:
            k[name] = c[name]
    return k


out = {"made": "make_torch.py with torch " + torch.__version__, "shape": list(SHAPE),
       "weight": start.flatten().tolist(), "bias": bias.tolist(),
       "grads": [[a.flatten().tolist(), b.tolist()] for a, b in grads], "cases": {}}
for name, case in CASES.items():
    w, b = start.clone().requires_grad_(), bias.clone().requires_grad_()
    k = keywords(case["config"])
    group = case.get("bias", dict(lr=1.0, decay=1.0))
    groups = [dict(params=[w]), dict(params=[b], lr=k["lr"] * group["lr"], weight_decay=k["weight_decay"] * group["decay"])]
    solver = getattr(torch.optim, case["opt"])(groups, **k)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(solver, STEPS) if case.get("cosine") else None
    steps = []
    for ga, gb in grads:
        w.grad, b.grad = ga.clone(), gb.clone()
        if "clip_value" in case:
            torch.nn.utils.clip_grad_value_([w, b], case["clip_value"])
        if "clip" in case:
            torch.nn.utils.clip_grad_norm_([w, b], case["clip"])
        solver.step()
        if schedule:
            schedule.step()
        steps.append([w.detach().flatten().tolist(), b.detach().tolist()])
    out["cases"][name] = dict(config=case["config"], clip=case.get("clip", 0), clip_value=case.get("clip_value", 0),
                              cosine=case.get("cosine", False), bias=group, steps=steps)
print(json.dumps(out))
