"""Reads safetensors files where the package of that name is not installed: as much as docs/export.md uses."""
import json
import struct

import torch


class safe_open:
    def __init__(self, path, framework):
        with open(path, "rb") as file:
            data = file.read()
        (length,) = struct.unpack("<Q", data[:8])
        self.header = json.loads(data[8 : 8 + length])
        self.data = data[8 + length :]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def metadata(self):
        return self.header["__metadata__"]

    def keys(self):
        return [name for name in self.header if name != "__metadata__"]

    def get_tensor(self, name):
        entry = self.header[name]
        assert entry["dtype"] == "F32", entry
        begin, end = entry["data_offsets"]
        return torch.frombuffer(bytearray(self.data[begin:end]), dtype=torch.float32).reshape(entry["shape"])
