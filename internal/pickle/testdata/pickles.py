#!/usr/bin/env python3
"""Writes pickles.json beside it: values, and their pickles of protocols 2 to 5.

    python3 pickles.py
"""
import base64, collections, json, os, pickle, sys

shared = [1]
VALUES = {
    "None": None, "True": True, "False": False, "0": 0, "255": 255, "65535": 65535, "-1": -1, "2147483648": 2**31, "-9223372036854775808": -(2**63),
    "18446744073709551616": 2**64, "-170141183460469231731687303715884105728": -(2**127), "0.1": 0.1, "-1e+300": -1e300,
    "'ü'": "ü", "'" + "x" * 300 + "'": "x" * 300, "b'ab'": b"ab", "[1 [2] []]": [1, [2], []], "(1 2 3 4)": (1, 2, 3, 4), "()": (), "(1)": (1,),
    "{'a': 1, 'b': [2]}": {"a": 1, "b": [2]}, "[7]": {7}, "[[1] [1]]": [shared, shared],
    "collections.OrderedDict(())": collections.OrderedDict(), "len": len, "complex(1, 2)": complex(1, 2),
}
VALUES["complex((1 2))"] = VALUES.pop("complex(1, 2)")
out = [dict(want=want, protocol=p, pickle=base64.b64encode(pickle.dumps(v, p)).decode()) for want, v in VALUES.items() for p in (2, 3, 4, 5)]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "pickles.json"), "w") as f:
    json.dump(dict(script="internal/pickle/testdata/pickles.py", python=sys.version.split()[0], pickles=out), f, separators=(",", ":"))
