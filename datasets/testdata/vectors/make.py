"""Makes the files of vectors in this folder: python3 make.py, with numpy 2 and safetensors.

Vector i of 6 is (i, i/2, -i, 8i) and of class i % 3.
"""
import numpy as np
from safetensors.numpy import save_file

i = np.arange(6)
x = np.stack([i, i / 2, -i, 8 * i], axis=1).astype(np.float32)
y = i % 3
names = np.array(["cat", "Ärmel", "dog"])[y]

np.savez("stored.npz", embeddings=x, labels=y)
np.savez_compressed("packed.npz", x=x.astype(np.float64), y=names)
np.savez("unnamed.npz", x.astype(np.float16), y.astype(np.uint8))
np.savez("columns.npz", features=np.asfortranarray(x), targets=names)
np.savez("big.npz", data=x.astype(">f8"), target=y.astype(">i4"))
np.savez("whole.npz", vectors=(2 * x).astype(np.int16), classes=y.astype(np.float64))
np.savez("bytes.npz", vectors=x.reshape(6, 2, 2), label=np.array([b"a", b"bb", b"ccc"])[y])
save_file({"embeddings": x.astype(np.float16), "labels": y}, "half.safetensors")
