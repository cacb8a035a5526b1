"""Writes hdc_triplets.json: what the hard-aware miner of pytorch-metric-learning 2.8.1 chooses of the
triplets that another miner chose, in float64.

Run it with pytorch-metric-learning and torch on the path:

    python3 hdc_triplets.py > hdc_triplets.json

Each record has the embeddings, their labels, the first miner's triplets, the share, the metric ("lp" of
rows of length 1, or "cosine"), the miner's pairs as often as it lists them, and the distance (or
similarity) of the last positive and negative pair that it lists.
"""
import json
import sys

import pytorch_metric_learning
import torch
from pytorch_metric_learning import distances, miners

torch.manual_seed(5)


def rows(classes, each, size):
    """Random embeddings around a centre of each class."""
    labels = torch.arange(classes).repeat_interleave(each)
    centres = torch.randn(classes, size, dtype=torch.float64)
    return (centres[labels] + torch.randn(classes * each, size, dtype=torch.float64)).round(decimals=6), labels


records = []
for classes, each, size in [(3, 3, 4), (4, 4, 8)]:
    embeddings, labels = rows(classes, each, size)
    for name, metric in [("lp", distances.LpDistance()), ("cosine", distances.CosineSimilarity())]:
        for kind in ["all", "hard", "semihard"]:
            triplets = miners.TripletMarginMiner(margin=0.2, type_of_triplets=kind, distance=metric)(embeddings, labels)
            for share in [0.5, 0.21]:
                hdc = miners.HDCMiner(filter_percentage=share, distance=metric)
                hdc.set_idx_externally(triplets, labels)
                a1, p, a2, n = hdc(embeddings, labels)
                values = metric(embeddings)
                last = max if metric.is_inverted else min
                first = min if metric.is_inverted else max
                records.append({
                    "embeddings": embeddings.tolist(), "labels": labels.tolist(), "metric": name, "type": kind, "share": share,
                    "triplets": torch.stack(triplets, 1).tolist(),
                    "pos": sorted(torch.stack([a1, p], 1).tolist()), "neg": sorted(torch.stack([a2, n], 1).tolist()),
                    "pos_last": last(values[a1, p].tolist()), "neg_last": first(values[a2, n].tolist()),
                })
json.dump({"script": "hdc_triplets.py", "oracle": "pytorch-metric-learning " + pytorch_metric_learning.__version__,
           "torch": torch.__version__, "dtype": "float64", "records": records}, sys.stdout, separators=(",", ":"))
print()
