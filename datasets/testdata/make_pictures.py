#!/usr/bin/python3
"""Makes the small pictures of pictures/ and pillow.json: what Pillow reads of each,
turned upright, laid on white, as RGB, resized by Image.BILINEAR. Pictures are drawn
here, so no licence but this repository's holds."""
import json, os
import PIL
from PIL import Image, ImageDraw, ImageOps, features

HERE = os.path.dirname(os.path.abspath(__file__))
W, H = 46, 34  # of the drawings
SIZE = (12, 9)  # of what is compared


def drawing(w=W, h=H):
    im = Image.new("RGB", (w, h))
    im.putdata([(255 * x // (w - 1), 255 * y // (h - 1), 128 + 100 * (x - y) // (w + h)) for y in range(h) for x in range(w)])
    d = ImageDraw.Draw(im)
    d.rectangle((3, 4, 17, 11), fill=(20, 40, 200))
    d.ellipse((w - 20, h - 18, w - 4, h - 3), fill=(230, 210, 30))
    return im


def soft_alpha():
    a = Image.new("L", (W, H))
    a.putdata([max(0, min(255, 400 - 16 * abs(x - W // 2))) for y in range(H) for x in range(W)])
    im = drawing()
    im.putalpha(a)
    return im


def save(name, im, **options):
    im.save(os.path.join(HERE, "pictures", name), **options)


def exif(orientation):
    e = Image.Exif()
    e[0x0112] = orientation
    return e


def make():
    rgb, grey = drawing(), drawing().convert("L")
    jpeg = dict(quality=95, subsampling=0)
    save("rgb.jpg", rgb, **jpeg)
    save("yuv420.jpg", rgb, quality=95, subsampling=2)
    save("progressive.jpg", rgb, progressive=True, **jpeg)
    save("grey.jpg", grey, quality=95)
    save("cmyk.jpg", rgb.convert("CMYK"), quality=95, subsampling=0)
    for o in range(1, 9):
        # Stored so that every file is upright once its tag is obeyed.
        undo = {2: Image.FLIP_LEFT_RIGHT, 3: Image.ROTATE_180, 4: Image.FLIP_TOP_BOTTOM, 5: Image.TRANSPOSE,
                6: Image.ROTATE_90, 7: Image.TRANSVERSE, 8: Image.ROTATE_270}
        stored = rgb.transpose(undo[o]) if o in undo else rgb
        save("orientation_%d.jpg" % o, stored, exif=exif(o), **jpeg)
    turned = rgb.transpose(Image.ROTATE_90)
    save("orientation_9.jpg", rgb, exif=exif(9), **jpeg)
    save("oriented.png", turned, exif=exif(6))
    save("oriented.webp", turned, exif=exif(6), lossless=True)
    save("oriented.tif", turned, tiffinfo={274: 6}, compression="tiff_lzw")
    save("rgb.png", rgb)
    save("grey.png", grey)
    save("bilevel.png", grey.point(lambda v: 255 * (v > 120)).convert("1"))
    save("grey16.png", Image.frombytes("I;16", (W, H), b"".join((v * 257).to_bytes(2, "little") for v in grey.getdata())))
    save("palette.png", rgb.quantize(64))
    p = rgb.quantize(16)
    save("palette_transparent.png", p, transparency=p.getpixel((8, 8)))
    save("rgba.png", soft_alpha())
    save("grey_alpha.png", soft_alpha().convert("LA"))
    save("still.gif", rgb.quantize(64))
    save("animated.gif", rgb.quantize(64), save_all=True, append_images=[grey.convert("P"), rgb.quantize(8)], duration=100)
    save("rgb.bmp", rgb)
    save("palette.bmp", rgb.quantize(64))
    save("lzw.tif", rgb, compression="tiff_lzw")
    save("deflate.tif", rgb, compression="tiff_adobe_deflate")
    save("pages.tif", rgb, save_all=True, append_images=[grey.convert("RGB")])
    save("lossy.webp", rgb, quality=95)
    save("lossless.webp", rgb, lossless=True)
    save("alpha.webp", soft_alpha(), lossless=True)
    save("alpha_lossy.webp", soft_alpha(), quality=95)
    frames = [rgb, grey.convert("RGB"), rgb.transpose(Image.ROTATE_180)]
    save("animated.webp", frames[0], save_all=True, append_images=frames[1:], lossless=True, duration=100)
    save("animated_alpha.webp", soft_alpha(), save_all=True, append_images=[soft_alpha().transpose(Image.ROTATE_180)], quality=95, duration=100)


def upright_on_white(name):
    im = Image.open(os.path.join(HERE, "pictures", name))
    im.seek(0) if getattr(im, "n_frames", 1) > 1 else None
    if im.format == "TIFF":
        im.load()  # Pillow 9 turns TIFF upright by itself
    else:
        im = ImageOps.exif_transpose(im)
    if im.mode.startswith("I"):
        return im.point(lambda v: v / 257).convert("L").convert("RGB")
    if im.mode in ("RGBA", "LA") or "transparency" in im.info:
        im = im.convert("RGBA")
        white = Image.new("RGBA", im.size, (255, 255, 255, 255))
        im = Image.alpha_composite(white, im)
    return im.convert("RGB")


def main():
    os.makedirs(os.path.join(HERE, "pictures"), exist_ok=True)
    make()
    out = {"made_by": "make_pictures.py", "pillow": PIL.__version__, "libjpeg": features.version("libjpeg_turbo") or features.version("jpg"),
           "webp": features.version("webp"), "width": SIZE[0], "height": SIZE[1], "pictures": {}, "resized": []}
    for name in sorted(os.listdir(os.path.join(HERE, "pictures"))):
        im = upright_on_white(name)
        small = im.resize(SIZE, Image.BILINEAR)
        out["pictures"][name] = {"width": im.size[0], "height": im.size[1], "rgb": list(small.tobytes())}
    # Resizing alone, of grey values known here and in the test, to many sizes.
    for w, h, tw, th in [(105, 105, 28, 28), (105, 105, 35, 35), (61, 47, 20, 20), (348, 348, 64, 64), (10, 8, 33, 21), (64, 3, 16, 16), (5, 5, 5, 5)]:
        im = Image.new("L", (w, h))
        im.putdata([(x * x * 7 + y * 13 + x * y * 3) % 256 for y in range(h) for x in range(w)])
        out["resized"].append({"from": [w, h], "to": [tw, th], "grey": list(im.resize((tw, th), Image.BILINEAR).tobytes())})
    with open(os.path.join(HERE, "pillow.json"), "w") as f:
        json.dump(out, f, separators=(",", ":"))
        f.write("\n")


main()
