#!/usr/bin/python3
"""Makes crop_pillow.json: what Pillow makes of pictures that are drawn here and in the test, by both filters, resized alone,
and resized and cropped as torchvision's Resize and CenterCrop do (v0.14, transforms/functional.py: the short side becomes
SIZE and the long one int(SIZE·long/short); the middle begins at int(round((side − crop)/2))). Pillow 13 filters some pictures' columns first; this wants
an earlier one, as the weights there are were trained with."""
import json, os
import PIL
from PIL import Image

assert int(PIL.__version__.split(".")[0]) < 13
HERE = os.path.dirname(os.path.abspath(__file__))
FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}


def drawing(w, h):
    """Smooth, with hard edges, where a cubic overshoots."""
    im = Image.new("RGB", (w, h))
    im.putdata([((x * x * 7 + y * 13 + x * y * 3) % 256, 255 * ((x // 5 + y // 4) % 2), (x * 3 + y * 2) % 256) for y in range(h) for x in range(w)])
    return im


def middle(im, crop):
    (w, h), (cw, ch) = im.size, crop
    left, top = int(round((w - cw) / 2.0)), int(round((h - ch) / 2.0))
    return im.crop((left, top, left + cw, top + ch))


def shorter(im, size, how):
    w, h = im.size
    s, l = (w, h) if w <= h else (h, w)
    new = int(size * l / s)
    return im.resize((size, new) if w <= h else (new, size), how)


def main():
    out = {"made_by": "crop_pillow.py", "pillow": PIL.__version__, "resized": [], "cropped": []}
    for name, how in FILTERS.items():
        for w, h, tw, th in [(105, 105, 28, 28), (61, 47, 20, 20), (10, 8, 33, 21), (64, 3, 16, 16), (5, 5, 5, 5), (90, 40, 31, 40)]:
            out["resized"].append({"filter": name, "from": [w, h], "to": [tw, th], "rgb": list(drawing(w, h).resize((tw, th), how).tobytes())})
        for w, h, short, crop in [(60, 45, 32, 28), (45, 61, 33, 28), (100, 40, 28, 28), (20, 23, 30, 25), (50, 50, 50, 44), (37, 90, 32, 31)]:
            im = middle(shorter(drawing(w, h), short, how), (crop, crop))
            out["cropped"].append({"filter": name, "resize": "crop", "from": [w, h], "to": [crop, crop], "short": short, "rgb": list(im.tobytes())})
        for w, h, short, crop in [(60, 45, 32, 28), (20, 23, 30, 25)]:
            im = middle(drawing(w, h).resize((short, short), how), (crop, crop))
            out["cropped"].append({"filter": name, "resize": "squeeze", "from": [w, h], "to": [crop, crop], "short": short, "rgb": list(im.tobytes())})
    with open(os.path.join(HERE, "crop_pillow.json"), "w") as f:
        json.dump(out, f, separators=(",", ":"))
        f.write("\n")


main()
