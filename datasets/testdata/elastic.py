"""Writes elastic.json: pictures bent by numpy and scipy, in float64, for elastic_test.go.

The splines are scipy's, of the knots that SplitMix64 gives, and the values between pixels
scipy.ndimage's. Nothing is rounded but the knots.
"""
import json
import sys

import numpy
import scipy
from scipy.interpolate import BSpline
from scipy.ndimage import map_coordinates

M = 2**64 - 1


def split_mix(state):
    z = (state + 0x9E3779B97F4A7C15) & M
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & M
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & M
    return z ^ z >> 31


def field(seed, reach, cells, height, width, axis):
    side = cells + 3
    knots = numpy.array([[((split_mix((seed + 2 * (j * side + i) + axis) & M) >> 40) * (2 * reach + 1) >> 24) - reach
                          for i in range(side)] for j in range(side)]) / 65536
    t = numpy.arange(-3, cells + 4)  # uniform, of degree 3
    across = BSpline.design_matrix((numpy.arange(width) + 0.5) * cells / width, t, 3).toarray()
    down = BSpline.design_matrix((numpy.arange(height) + 0.5) * cells / height, t, 3).toarray()
    return down @ knots @ across.T


def main():
    rng = numpy.random.default_rng(1)
    cases = []
    for height, width, cells, share, turn, detail in [(28, 28, 4, 0.15, 0, 1), (28, 28, 4, 0.1, 12, 2), (9, 14, 3, 0.3, -40, 1.5),
                                                      (20, 11, 1, 0.4, 0, 1), (16, 16, 13, 0.05, 180, 3), (1, 5, 2, 0.5, 0, 1)]:
        h, w = round(height * detail), round(width * detail)
        rough = rng.integers(0, 256, (h // 2 + 2, w // 2 + 2)).astype(float)
        y, x = numpy.mgrid[0:h, 0:w] / 2
        picture = map_coordinates(rough, [y, x], order=1).round().astype(int)
        a = numpy.deg2rad(turn)
        linear = numpy.array([[numpy.cos(a), -numpy.sin(a)], [numpy.sin(a), numpy.cos(a)]])
        middle = numpy.array([width, height]) / 2
        offset = middle - linear @ middle
        linear, offset = linear * [[w / width], [h / height]], offset * [w / width, h / height]
        seed, reach = int(rng.integers(0, 2**63)) * 2 + 1, int(round(share * min(height, width) * 65536))
        dx, dy = (field(seed, reach, cells, height, width, axis) for axis in (0, 1))
        v, u = numpy.mgrid[0:height, 0:width] + 0.5
        u, v = u + dx, v + dy
        x = linear[0, 0] * u + linear[0, 1] * v + offset[0] - 0.5
        y = linear[1, 0] * u + linear[1, 1] * v + offset[1] - 0.5
        bent = map_coordinates(picture.astype(float), [y, x], order=1, mode="nearest")
        cases.append(dict(height=height, width=width, cells=cells, seed=str(seed), reach=reach, from_height=h, from_width=w,
                          map=[*linear[0], offset[0], *linear[1], offset[1]], picture=picture.ravel().tolist(),
                          dx=dx.ravel().round(6).tolist(), dy=dy.ravel().round(6).tolist(), bent=bent.ravel().round(3).tolist()))
    json.dump(dict(made_by="elastic.py, numpy %s, scipy %s" % (numpy.__version__, scipy.__version__), cases=cases), sys.stdout)


main()
