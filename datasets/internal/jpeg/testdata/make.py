"""Makes the files of this folder with Pillow: one picture, encoded in ways that are rare.

    python make.py
"""
import io, os, random, sys

from PIL import Image, __version__, features

print("Pillow", __version__, "libjpeg-turbo", features.version("libjpeg_turbo"))
here = os.path.dirname(os.path.abspath(__file__))
r = random.Random(1)
small = Image.frombytes("RGB", (7, 5), r.randbytes(7 * 5 * 3))
picture = small.resize((53, 37), Image.BICUBIC)


def save(name, mode="RGB", **options):
    picture.convert(mode).save(os.path.join(here, name + ".jpg"), quality=options.pop("quality", 85), **options)


for name, subsampling in ("444", "4:4:4"), ("422", "4:2:2"), ("420", "4:2:0"):
    save("sequential_" + name, subsampling=subsampling)
    save("sequential_" + name + "_restarts", subsampling=subsampling, restart_marker_blocks=3)
    save("progressive_" + name, subsampling=subsampling, progressive=True)
    save("progressive_" + name + "_restarts", subsampling=subsampling, progressive=True, restart_marker_blocks=3)
save("grey_progressive", "L", progressive=True)
save("grey_progressive_restarts", "L", progressive=True, restart_marker_rows=1)
save("cmyk_progressive", "CMYK", progressive=True)
save("rgb_progressive", keep_rgb=True, progressive=True, subsampling="4:4:4")
save("best", quality=100, subsampling="4:4:4")
save("worst", quality=1)
save("optimised", optimize=True)
