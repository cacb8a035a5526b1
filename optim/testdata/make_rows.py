"""Trajectories of a table of which each step names some rows, in float64, for rows_test.go:
python3 make_rows.py > rows.json

SparseAdam and SGD are torch.optim's over torch.nn.Embedding(sparse=True). torch's SGD moves all rows by its
momentum; that of the rows named alone, with weight decay, is the loop over rows below, in numpy.
"""
import json
import numpy
import torch

STEPS, ROWS, COLS, NAMED = 12, 7, 3, 5
torch.manual_seed(4)
start = torch.randn(ROWS, COLS).double()
indices = [torch.randint(0, ROWS - 1, (NAMED,)) for _ in range(STEPS)]  # some twice; the last row never
grads = [(torch.randn(NAMED, COLS) * 3).double() for _ in range(STEPS)]


def by_torch(make):
    table = torch.nn.Embedding(ROWS, COLS, sparse=True).double()
    with torch.no_grad():
        table.weight.copy_(start)
    solver = make(table.parameters())
    for i, g in zip(indices, grads):
        solver.zero_grad()
        (table(i) * g).sum().backward()
        assert table.weight.grad.is_sparse
        solver.step()
        yield table.weight.detach().flatten().tolist()


def by_rows(lr, momentum=0.0, nesterov=False, weight_decay=0.0):
    w, v = start.numpy().copy(), numpy.zeros((ROWS, COLS))
    for i, g in zip(indices, grads):
        for r in sorted(set(i.tolist())):
            d = g.numpy()[i.numpy() == r].sum(0) + weight_decay * w[r]
            v[r] = momentum * v[r] + d
            w[r] -= lr * (d + momentum * v[r] if nesterov else v[r])
        yield w.flatten().tolist()


CASES = {
    "sgd": (dict(name="sgd", lr=0.1), by_torch(lambda p: torch.optim.SGD(p, lr=0.1))),
    # torch adds eps before the correction of the root, and Adam's formula after it.
    "adam": (dict(name="adam", lr=0.01, eps=1e-12), by_torch(lambda p: torch.optim.SparseAdam(list(p), lr=0.01, eps=1e-12))),
    "adam, other decays": (dict(name="adam", lr=0.02, beta1=0.7, beta2=0.95, eps=1e-12),
                           by_torch(lambda p: torch.optim.SparseAdam(list(p), lr=0.02, betas=(0.7, 0.95), eps=1e-12))),
    "sgd momentum decay": (dict(name="sgd", lr=0.1, momentum=0.9, weight_decay=0.05), by_rows(0.1, 0.9, weight_decay=0.05)),
    "sgd nesterov": (dict(name="sgd", lr=0.1, momentum=0.8, nesterov=True), by_rows(0.1, 0.8, nesterov=True)),
}
print(json.dumps({
    "made": "make_rows.py with torch %s and numpy %s" % (torch.__version__, numpy.__version__),
    "rows": ROWS, "cols": COLS, "named": NAMED, "start": start.flatten().tolist(),
    "indices": [i.tolist() for i in indices], "grads": [g.flatten().tolist() for g in grads],
    "cases": {name: dict(config=config, steps=list(steps)) for name, (config, steps) in CASES.items()},
}))
