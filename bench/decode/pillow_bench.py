"""The Python side of bench/decode: makes pictures with Pillow, and measures how fast Pillow
reads them.

    python pillow_bench.py about
    python pillow_bench.py make FOLDER
    python pillow_bench.py measure FILE SECONDS SIDE
"""
import io, json, os, random, sys, time

from PIL import Image, ImageOps, __version__, features


def photo(w, h):
    """Smooth parts, edges and noise, as a photograph has them."""
    r = random.Random(1)
    small = Image.new("RGB", (w // 8, h // 8))
    small.putdata([tuple(r.randrange(256) for _ in range(3)) for _ in range(small.width * small.height)])
    im = small.resize((w, h), Image.BICUBIC)
    noise = Image.frombytes("L", (w, h), r.randbytes(w * h))
    return Image.blend(im, Image.merge("RGB", [noise] * 3), 0.04)


def make(folder):
    rgb = photo(640, 480)
    grey, palette = rgb.convert("L"), rgb.quantize(256)
    rgba = rgb.copy()
    rgba.putalpha(grey)
    bilevel = photo(640, 480).convert("L").resize((160, 120)).resize((640, 480)).point(lambda v: 255 * (v > 128)).convert("1")
    grey16 = Image.frombytes("I;16", grey.size, b"".join(bytes((v, v)) for v in grey.tobytes()))
    save = lambda name, im, **options: im.save(os.path.join(folder, name), **options)
    save("baseline.jpg", rgb, quality=90)
    save("yuv444.jpg", rgb, quality=90, subsampling=0)
    save("progressive.jpg", rgb, quality=90, progressive=True)
    save("grey.jpg", grey, quality=90)
    save("cmyk.jpg", rgb.convert("CMYK"), quality=90)
    save("rgb.png", rgb)
    save("rgba.png", rgba)
    save("grey16.png", grey16)
    save("palette.png", palette)
    save("palette.gif", palette)
    save("rgb.bmp", rgb)
    save("palette.bmp", palette)
    save("rgb.ico", rgba.resize((256, 256)))
    save("rgb.tga", rgb)
    save("rgb_rle.tga", palette.convert("RGB"), compression="tga_rle")
    save("grey.pgm", grey)
    save("rgb.ppm", rgb)
    with open(os.path.join(folder, "text.pgm"), "wb") as f:
        f.write(b"P2 640 480 255\n" + b"\n".join(b" ".join(b"%d" % v for v in grey.tobytes()[y * 640:y * 640 + 640]) for y in range(480)))
    save("none.tif", rgb)
    save("lzw.tif", rgb, compression="tiff_lzw")
    save("lzw_predictor.tif", rgb, compression="tiff_lzw", tiffinfo={317: 2})
    save("deflate.tif", rgb, compression="tiff_adobe_deflate")
    save("packbits.tif", rgb, compression="packbits")
    save("jpeg.tif", rgb, compression="jpeg", quality=90)
    save("jpeg_ycbcr.tif", rgb.convert("YCbCr"), compression="jpeg", quality=90)
    save("jpeg_grey.tif", grey, compression="jpeg", quality=90)
    save("jpeg_cmyk.tif", rgb.convert("CMYK"), compression="jpeg", quality=90)
    save("group4.tif", bilevel, compression="group4")
    save("cmyk.tif", rgb.convert("CMYK"))
    save("float.tif", grey.convert("F").point(lambda v: v * (1 / 255) + 0))
    save("lossy.webp", rgb, quality=90)
    save("lossless.webp", rgb, lossless=True)


def read(data, side):
    """What is done with a picture once before training: upright, on white, RGB, small."""
    im = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if im.mode == "F":
        im = im.point(lambda v: v * 255 + 0).convert("L")
    if im.mode.startswith("I;16"):
        im = im.convert("I").point(lambda v: v * (1 / 257) + 0).convert("L")
    if im.mode in ("RGBA", "LA"):
        im = im.convert("RGBA")
        im = Image.alpha_composite(Image.new("RGBA", im.size, (255,) * 4), im)
    return im.convert("RGB").resize((side, side), Image.BILINEAR)


def measure(file, seconds, side):
    with open(file, "rb") as f:
        data = f.read()
    read(data, side)
    n, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        read(data, side)
        n += 1
    print(json.dumps({"per_second": n / (time.process_time() - start)}))


if sys.argv[1] == "about":
    print(json.dumps({"pillow": __version__, "libjpeg_turbo": features.version("libjpeg_turbo"), "zlib_ng": features.version("zlib_ng")}))
elif sys.argv[1] == "make":
    make(sys.argv[2])
else:
    measure(sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
