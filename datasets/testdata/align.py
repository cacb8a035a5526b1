#!/usr/bin/python3
"""Makes align.json: similarities of five points onto ArcFace's by S. Umeyama's algorithm (PAMI 1991, as skimage.transform's
_umeyama has it: singular values, with no mirroring), and pictures that Pillow's Image.transform makes with them. The picture is
drawn here and in the test."""
import json, os
import numpy as np
import PIL
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
ARCFACE = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])


def umeyama(src, dst):
    n, dim = src.shape
    src_mean, dst_mean = src.mean(axis=0), dst.mean(axis=0)
    a = (dst - dst_mean).T @ (src - src_mean) / n
    d = np.ones(dim)
    if np.linalg.det(a) < 0:
        d[dim - 1] = -1
    u, s, v = np.linalg.svd(a)
    assert np.linalg.matrix_rank(a) == dim
    rotation = u @ np.diag(d) @ v
    assert np.linalg.det(rotation) > 0
    scale = (s @ d) / (src - src_mean).var(axis=0).sum()
    return np.hstack([scale * rotation, (dst_mean - scale * rotation @ src_mean)[:, None]])


def drawing(w, h):
    im = Image.new("RGB", (w, h))
    im.putdata([((x * 2 + y) % 256, 255 * ((x // 7 + y // 9) % 2), (x + y * 3 + 40) % 256) for y in range(h) for x in range(w)])
    return im


def aligned(matrix, size):
    # Pillow's places lie at the middles of pixels, half a pixel from the indices that the matrix is of.
    m = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
    m[:, 2] += 0.5 - 0.5 * m[:, :2].sum(axis=1)
    return drawing(140, 150).transform(size, Image.AFFINE, m.reshape(-1).tolist(), Image.BILINEAR)


rng = np.random.default_rng(1)
cases = []
for name, angle, scale, shift, noise, (w, h) in [
    ("upright", 0, 1.05, (12, 9), 2, (112, 112)), ("turned", 25, 0.95, (60, -20), 3, (112, 112)), ("small", -10, 0.6, (40, 40), 1, (112, 112)),
    ("at the edge", 5, 1.0, (-30, 20), 2, (112, 112)), ("narrow", 8, 1.0, (20, 20), 2, (96, 112)), ("upside down", 180, 0.9, (130, 135), 2, (112, 112)),
    ("smaller result", 0, 0.6, (30, 30), 1, (64, 64)), ("profile", 3, 0.9, (20, 20), 9, (112, 112)),
]:
    c, s = scale * np.cos(np.radians(angle)), scale * np.sin(np.radians(angle))
    points = np.round(ARCFACE @ np.array([[c, s], [-s, c]]) + shift + rng.normal(0, noise, (5, 2)), 2)
    target = (ARCFACE - [56, 0]) * (h / 112) + [w / 2, 0]
    matrix = umeyama(points, target)
    picture = aligned(matrix, (w, h))
    probes = []
    for _ in range(400):
        x, y = int(rng.integers(w)), int(rng.integers(h))
        u, v = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2] @ [x, y, 1]
        # Where half of the neighbours are outside, Pillow repeats the edge, and OpenCV and we go over into black.
        if 0 < u < 139 and 0 < v < 149 or u < -1 or v < -1 or u > 140 or v > 150:
            probes.append([x, y, *picture.getpixel((x, y))])
    cases.append({"name": name, "width": w, "height": h, "points": points.tolist(), "matrix": matrix.reshape(-1).tolist(), "pixels": probes[:150]})
out = {"made_by": f"align.py, numpy {np.__version__}, Pillow {PIL.__version__}", "cases": cases}
with open(os.path.join(HERE, "align.json"), "w") as f:
    f.write(json.dumps(out, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")
