"""Writes tuple_counts.json: in how many tuples of a miner each embedding is, as pytorch-metric-learning
2.8.1 weighs samples by them (TuplesToWeightsSampler), in float64.

Run it with pytorch-metric-learning and torch on the path:

    python3 tuple_counts.py > tuple_counts.json

Each record has the embeddings, their labels, our text of the miner, and the weights, of which the largest
is 1.
"""
import json
import sys

import pytorch_metric_learning
import torch
from pytorch_metric_learning import miners
from pytorch_metric_learning.utils import loss_and_miner_utils as lmu

torch.manual_seed(6)
labels = torch.tensor([0, 0, 0, 1, 1, 1, 1, 2, 2, 3])
centres = torch.randn(4, 5, dtype=torch.float64)
embeddings = (centres[labels] + torch.randn(10, 5, dtype=torch.float64)).round(decimals=6)
records = []
for text, miner in [
    ("triplet-margin(margin=0.3)", miners.TripletMarginMiner(margin=0.3)),
    ("triplet-margin(margin=0.1, type=hard)", miners.TripletMarginMiner(margin=0.1, type_of_triplets="hard")),
    ("batch-hard", miners.BatchHardMiner()),
    ("multi-similarity", miners.MultiSimilarityMiner()),
    ("pair-margin", miners.PairMarginMiner()),
]:
    weights = lmu.convert_to_weights(miner(embeddings, labels), labels, dtype=torch.float64)
    records.append({"miner": text, "weights": weights.tolist()})
json.dump({"script": "tuple_counts.py", "oracle": "pytorch-metric-learning " + pytorch_metric_learning.__version__, "torch": torch.__version__,
           "dtype": "float64", "embeddings": embeddings.tolist(), "labels": labels.tolist(), "records": records}, sys.stdout, separators=(",", ":"))
print()
