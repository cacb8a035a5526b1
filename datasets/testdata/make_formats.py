#!/usr/bin/env python3
"""Makes the pictures of formats/ and formats.json: what independent decoders read of each,
upright, on white, as RGB of 8 bits. The files are written by Pillow, tifffile, libtiff's
tools, ImageMagick, or byte by byte here; what is expected comes from another program than
the one under test: Pillow (with libjpeg, libtiff, zlib), tifffile with imagecodecs, or
ImageMagick, as "by" says; colours of profiles from LittleCMS through PIL.ImageCms.
Pictures and profiles are drawn here, so no licence but this repository's holds.

    apt-get install libtiff-tools imagemagick netpbm
    pip install pillow numpy tifffile imagecodecs
    python3 make_formats.py
"""
import base64, hashlib, io, json, os, shutil, struct, subprocess, tempfile, zlib

import imagecodecs, numpy, PIL, tifffile
from PIL import Image, ImageCms, ImageDraw, ImageOps

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "formats")
TEMP = tempfile.mkdtemp()
W, H = 23, 19
entries, pixels = {}, {}
problems = []


def smooth(w=W, h=H):
    """Colours that change so slowly that it does not matter how they are enlarged."""
    return Image.eval(slope(w, h), lambda v: 90 + v // 4)


def slope(w, h):
    im = Image.new("RGB", (w, h))
    im.putdata([(255 * x // (w - 1), 255 * y // (h - 1), 128 + 100 * (x - y) // (w + h)) for y in range(h) for x in range(w)])
    return im


def drawing(w=W, h=H):
    im = slope(w, h)
    d = ImageDraw.Draw(im)
    d.rectangle((2, 3, 8, 7), fill=(20, 40, 200))
    d.ellipse((w - 12, h - 10, w - 3, h - 2), fill=(230, 210, 30))
    return im


RGB = drawing()
GREY = RGB.convert("L")
BILEVEL = GREY.point(lambda v: 255 * (v > 110)).convert("1")
RGBA = RGB.copy()
_alpha = Image.new("L", (W, H))
_alpha.putdata([max(0, min(255, 400 - 30 * abs(x - W // 2))) for y in range(H) for x in range(W)])
RGBA.putalpha(_alpha)
A = numpy.asarray(RGB)
G = numpy.asarray(GREY)
PALETTE = RGB.quantize(16)


def path(name):
    return os.path.join(OUT, name)


def put(name, data):
    with open(path(name), "wb") as f:
        f.write(data)


def run(*words):
    subprocess.run([str(w) for w in words], check=True)


def on_white(im):
    if im.mode.startswith("I;16"):
        im = Image.fromarray((numpy.asarray(im).astype(numpy.uint32) >> 8).astype(numpy.uint8))
    if im.mode in ("RGBA", "LA", "PA") or "transparency" in im.info:
        im = im.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", im.size, (255,) * 4), im).convert("RGB")
    return im.convert("RGB")


def pillow(name):
    im = Image.open(path(name))
    im.load()
    return ImageOps.exif_transpose(on_white(im) if im.format != "PNG" else on_white(im))


def magick(name):
    png = os.path.join(TEMP, "magick.png")
    run("convert", path(name) + "[0]", "-auto-orient", "-background", "white", "-flatten", "-depth", "8", "-type", "TrueColor", "-define", "png:color-type=2", png)
    return Image.open(png).convert("RGB")


def levels(values, low, high):
    """8 bits of an array of numbers of which low is black and high is white."""
    v = (values.astype(numpy.float64) - low) / (high - low)
    v = numpy.nan_to_num(v, nan=0.0)
    v = numpy.floor(numpy.clip(v, 0, 1) * 65535 + 0.5).astype(numpy.uint32) >> 8
    v = v.astype(numpy.uint8)
    return Image.fromarray(v if v.ndim == 3 else numpy.stack([v] * 3, -1))


# Colour at half size is enlarged by pixels here and smoothly there: so far off at most, and
# on average.
HALF = (6, 1.5)


def expect(name, im, by, tolerance=0, mean=0, **more):
    raw = zlib.compress(im.convert("RGB").tobytes(), 9)
    key = hashlib.sha256(raw).hexdigest()[:12]
    pixels[key] = base64.b64encode(raw).decode()
    entries[name] = dict(width=im.size[0], height=im.size[1], pixels=key, by=by, tolerance=tolerance, mean=mean, **more)


def both(name, tolerance=0, **more):
    """Pillow's word, if ImageMagick says the same."""
    a, b = pillow(name), magick(name)
    d = numpy.abs(numpy.asarray(a).astype(int) - numpy.asarray(b).astype(int)).max()
    if d > max(1, tolerance):
        problems.append("%s: Pillow and ImageMagick differ by %d" % (name, d))
    expect(name, a, "Pillow and ImageMagick", max(tolerance, 1 if d else tolerance), **more)


def tiffs():
    base = os.path.join(TEMP, "base.tif")
    RGB.save(base)
    grey = os.path.join(TEMP, "grey.tif")
    GREY.save(grey)
    for name, options in {
        "none": ["-c", "none"], "big_endian": ["-B", "-c", "none"], "bigtiff": ["-8", "-c", "none"], "bigtiff_big_endian": ["-8", "-B", "-c", "lzw"],
        "lzw": ["-c", "lzw"], "lzw_predictor": ["-c", "lzw:2"], "zip": ["-c", "zip"], "zip_predictor": ["-c", "zip:2"], "packbits": ["-c", "packbits"],
        "strips": ["-c", "lzw", "-r", "5"], "tiles": ["-c", "none", "-t", "-w", "16", "-l", "16"], "tiles_zip": ["-c", "zip:2", "-t", "-w", "16", "-l", "16"],
        "planes": ["-c", "none", "-p", "separate"], "planes_lzw": ["-c", "lzw:2", "-p", "separate", "-r", "4"],
        "planes_tiles": ["-c", "zip", "-p", "separate", "-t", "-w", "16", "-l", "16"],
    }.items():
        for kind, source in (("rgb", base), ("grey", grey)):
            if kind == "grey" and "planes" in name:
                continue
            file = "%s_%s.tif" % (kind, name)
            run("tiffcp", *options, source, path(file))
            if name == "bigtiff_big_endian":  # which Pillow does not know
                expect(file, magick(file), "ImageMagick")
            else:
                both(file)
    soft = os.path.join(TEMP, "soft.tif")
    smooth().save(soft)
    run("tiffcp", "-c", "jpeg:r:95", base, path("jpeg_rgb.tif"))
    run("tiffcp", "-c", "jpeg:95", soft, path("jpeg_ycbcr.tif"))
    run("tiffcp", "-c", "jpeg:95", "-r", "16", soft, path("jpeg_strips.tif"))
    run("tiffcp", "-c", "jpeg:r:95", "-t", "-w", "16", "-l", "16", base, path("jpeg_tiles.tif"))
    run("tiffcp", "-c", "jpeg:95", grey, path("jpeg_grey.tif"))
    for name in ("jpeg_ycbcr", "jpeg_rgb", "jpeg_strips", "jpeg_tiles", "jpeg_grey"):
        expect(name + ".tif", pillow(name + ".tif"), "Pillow", *HALF if name in ("jpeg_ycbcr", "jpeg_strips") else (4,))
    for h, v in ((1, 1), (2, 1), (2, 2), (4, 2)):
        name = "ycbcr_%d%d.tif" % (h, v)
        put(name, subsampled(h, v))
        run("tiff2rgba", "-c", "none", path(name), os.path.join(TEMP, "rgba.tif"))
        expect(name, Image.open(os.path.join(TEMP, "rgba.tif")).convert("RGB"), "libtiff's tiff2rgba", 2)

    # Bilevel: every compression, both meanings of 0, both orders of bits.
    for meaning in ("isblack", "iswhite"):
        one = os.path.join(TEMP, meaning + ".tif")
        BILEVEL.save(one, tiffinfo={262: 0 if meaning == "iswhite" else 1})
        for c in ("none", "packbits", "lzw", "zip", "g3", "g3:1d:fill", "g3:2d", "g3:2d:fill", "g4"):
            name = "bilevel_%s_%s.tif" % (c.replace(":", "_"), meaning)
            run("tiffcp", "-c", c, one, path(name))
            both(name)
        for c in ("g4", "none"):
            name = "bilevel_%s_%s_lsb.tif" % (c, meaning)
            run("tiffcp", "-f", "lsb2msb", "-c", c, one, path(name))
            both(name)
        name = "bilevel_g4_%s_strips.tif" % meaning
        run("tiffcp", "-c", "g4", "-r", "4", one, path(name))
        both(name)

    # Every code of CCITT: runs of all lengths, and noise.
    rng = numpy.random.default_rng(1)
    noise = rng.random((67, 2661)) < 0.5
    for y in range(60):
        noise[y] = (numpy.arange(2661) // (1 + y * y * 3 // 4 + y) + y // 3) % 2
    noise[60] = False
    noise[61] = True
    noise[62, 2561:] = False
    noise = Image.fromarray(noise)
    one = os.path.join(TEMP, "noise.tif")
    noise.save(one)
    for c in ("g3", "g3:2d:fill", "g4"):
        name = "bilevel_runs_%s.tif" % c.replace(":", "_")
        run("tiffcp", "-c", c, one, path(name))
        both(name)
    for compression in ("tiff_ccitt", "group3", "group4"):
        BILEVEL.save(path("bilevel_%s.tif" % compression), compression=compression)
        both("bilevel_%s.tif" % compression)
    noise.save(path("bilevel_runs_ccitt.tif"), compression="tiff_ccitt")
    both("bilevel_runs_ccitt.tif")

    # Depths of grey and of palettes.
    for bits in (1, 2, 4):
        for meaning, value in (("min-is-black", "isblack"), ("min-is-white", "iswhite")):
            name = "grey%d_%s.tif" % (bits, value)
            run("convert", png_of(GREY), "-depth", bits, "-define", "tiff:photometric=" + meaning, "-compress", "none", path(name))
            both(name)
        name = "palette%d.tif" % bits
        run("convert", png_of(RGB), "-colors", 2 ** bits, "-type", "Palette", "-depth", bits, "-compress", "none", path(name))
        both(name)
    RGB.quantize(64).save(path("palette8.tif"), compression="tiff_lzw")
    both("palette8.tif")
    for name, data in {
        "uint16": G.astype(numpy.uint16) * 257, "rgb16": A.astype(numpy.uint16) * 257, "rgb16_planes": A.astype(numpy.uint16) * 257,
    }.items():
        more = dict(planarconfig="separate") if "planes" in name else {}
        data = numpy.moveaxis(data, -1, 0) if "planes" in name else data
        tifffile.imwrite(path(name + ".tif"), data, photometric="rgb" if "rgb" in name else "minisblack", **more)
        back = tifffile.imread(path(name + ".tif"))
        back = numpy.moveaxis(back, 0, -1) if "planes" in name else back
        expect(name + ".tif", levels(back, 0, 65535), "tifffile")
    tifffile.imwrite(path("uint16_big_endian_predictor.tif"), G.astype(numpy.uint16) * 257, byteorder=">", compression="zlib", predictor=2)
    expect("uint16_big_endian_predictor.tif", levels(tifffile.imread(path("uint16_big_endian_predictor.tif")), 0, 65535), "tifffile")
    tifffile.imwrite(path("uint16_iswhite.tif"), G.astype(numpy.uint16) * 257, photometric="miniswhite")
    expect("uint16_iswhite.tif", magick("uint16_iswhite.tif"), "ImageMagick", 1)
    put("packed12.tif", packed(12, (G.astype(int) * 4095 + 127) // 255))
    expect("packed12.tif", levels(tifffile.imread(path("packed12.tif")), 0, 4095), "tifffile", 1)

    # Values of which nothing says which is white: the range of the picture itself.
    for name, data, low, high in (
        ("twelve_in_16", (G.astype(numpy.uint16) << 4), 0, 4095), ("ten_in_16", (A.astype(numpy.uint16) << 2), 0, 1023),
        ("eight_in_16", G.astype(numpy.uint16), 0, 255), ("fourteen_in_16", G.astype(numpy.uint16) * 64, 0, 16383),
        ("float16", (G / 255).astype(numpy.float16), 0, 1), ("float32", (G / 255).astype(numpy.float32), 0, 1), ("float64", (G / 255), 0, 1),
        ("float32_255", G.astype(numpy.float32), 0, 255), ("float32_signed", G.astype(numpy.float32) * 8 - 1000, None, None),
        ("float32_rgb", (A / 255).astype(numpy.float32), 0, 1), ("int8", (G.astype(int) - 128).astype(numpy.int8), None, None),
        ("int16", (G.astype(int) * 16 - 1024).astype(numpy.int16), None, None), ("int32", G.astype(numpy.int32) * 100000, None, None),
        ("uint32", G.astype(numpy.uint32) * 16843009, None, None),
    ):
        name += ".tif"
        tifffile.imwrite(path(name), data, photometric="rgb" if data.ndim == 3 else "minisblack")
        back = tifffile.imread(path(name)).astype(numpy.float32)
        expect(name, levels(back, back.min() if low is None else low, back.max() if high is None else high), "tifffile", 1)
    with_nan = (G / 255).astype(numpy.float32)
    with_nan[3, 4], with_nan[5, 6] = numpy.nan, -numpy.inf
    tifffile.imwrite(path("float32_nan.tif"), with_nan)
    expect("float32_nan.tif", levels(tifffile.imread(path("float32_nan.tif")), 0, 1), "tifffile", 1)
    for size, kind in ((2, numpy.float16), (4, numpy.float32), (8, numpy.float64)):
        for order in "<>":
            name = "float%d_predictor_%s.tif" % (8 * size, "little" if order == "<" else "big")
            tifffile.imwrite(path(name), (A / 255).astype(kind), photometric="rgb", compression="zlib", predictor=3, byteorder=order)
            expect(name, levels(tifffile.imread(path(name)), 0, 1), "tifffile", 1)

    # Alpha and other samples.
    for name, data, photometric, extra in (
        ("rgba_unassociated", numpy.asarray(RGBA), "rgb", "unassalpha"), ("rgbx", numpy.asarray(RGBA), "rgb", "unspecified"),
        ("grey_alpha", numpy.asarray(RGBA.convert("LA")), "minisblack", "unassalpha"), ("grey_x", numpy.asarray(RGBA.convert("LA")), "minisblack", "unspecified"),
        ("rgba16", numpy.asarray(RGBA).astype(numpy.uint16) * 257, "rgb", "unassalpha"),
    ):
        name += ".tif"
        tifffile.imwrite(path(name), data, photometric=photometric, extrasamples=[extra])
        back = tifffile.imread(path(name))
        back = (back >> 8).astype(numpy.uint8) if back.dtype == numpy.uint16 else back
        if "x" in name:
            back = back[..., : back.shape[-1] - 1]
        im = Image.fromarray(back[..., 0] if back.shape[-1] == 1 else back, {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[back.shape[-1]])
        expect(name, on_white(im), "tifffile", 1)
    for planar in ("contig", "separate"):
        name = "rgba_associated_%s.tif" % planar
        a = numpy.asarray(RGBA).astype(int)
        mul = numpy.concatenate([(a[..., :3] * a[..., 3:] + 127) // 255, a[..., 3:]], -1).astype(numpy.uint8)
        tifffile.imwrite(path(name), mul if planar == "contig" else numpy.moveaxis(mul, -1, 0), photometric="rgb", extrasamples=["assocalpha"], planarconfig=planar)
        back = tifffile.imread(path(name))
        back = (back if planar == "contig" else numpy.moveaxis(back, 0, -1)).astype(int)
        expect(name, Image.fromarray((back[..., :3] + 255 - back[..., 3:]).clip(0, 255).astype(numpy.uint8)), "tifffile", 1)

    ink = RGB.convert("CMYK")
    ink.putdata([(c, m, y, min(255, (x % W) * 4)) for x, (c, m, y, _) in enumerate(ink.getdata())])
    for name, options in {"cmyk": {}, "cmyk_lzw": dict(compression="tiff_lzw"), "cmyk_jpeg": dict(compression="jpeg", quality=95)}.items():
        ink.save(path(name + ".tif"), **options)
        expect(name + ".tif", pillow(name + ".tif"), "Pillow", 4 if "jpeg" in name else 1)
    run("tiffcp", "-p", "separate", "-c", "zip", path("cmyk.tif"), path("cmyk_planes.tif"))
    expect("cmyk_planes.tif", pillow("cmyk.tif"), "Pillow, of the same in one plane", 1)
    tifffile.imwrite(path("cmyk16.tif"), numpy.asarray(ink).astype(numpy.uint16) * 257, photometric="separated")
    expect("cmyk16.tif", pillow("cmyk.tif"), "Pillow, of the same in 8 bits", 1)
    for o in range(2, 9):
        undo = {2: Image.FLIP_LEFT_RIGHT, 3: Image.ROTATE_180, 4: Image.FLIP_TOP_BOTTOM, 5: Image.TRANSPOSE, 6: Image.ROTATE_90, 7: Image.TRANSVERSE, 8: Image.ROTATE_270}
        name = "orientation_%d.tif" % o
        RGB.transpose(undo[o]).save(path(name), tiffinfo={274: o})
        expect(name, pillow(name), "Pillow")


def packed(bits, values):
    """A TIFF of grey samples that fill no whole bytes."""
    rows = b""
    for row in values:
        text = "".join(format(int(v), "0%db" % bits) for v in row)
        text += "0" * (-len(text) % 8)
        rows += bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))
    return tiff_file(rows, [(258, 3, (bits,)), (259, 3, (1,)), (262, 3, (1,)), (277, 3, (1,))])


def subsampled(h, v):
    """A TIFF of YCbCr without compression: blocks of h times v Y, one Cb, one Cr."""
    ycc = numpy.pad(numpy.asarray(RGB.convert("YCbCr")).astype(int), ((0, -H % v), (0, -W % h), (0, 0)), "edge")
    blocks = b""
    for y in range(0, H, v):
        for x in range(0, W, h):
            b = ycc[y:y + v, x:x + h]
            blocks += bytes(b[..., 0].flatten().tolist()) + bytes([int(b[..., 1].mean()), int(b[..., 2].mean())])
    return tiff_file(blocks, [(258, 3, (8, 8, 8)), (259, 3, (1,)), (262, 3, (6,)), (277, 3, (3,)), (530, 3, (h, v)),
                              (532, 5, (0, 1, 255, 1, 128, 1, 255, 1, 128, 1, 255, 1))])


def tiff_file(pixels, fields):
    """A little-endian TIFF of one strip."""
    fields = sorted(fields + [(256, 3, (W,)), (257, 3, (H,)), (273, 4, (8,)), (278, 3, (H,)), (279, 4, (len(pixels),))])
    pixels += b"\0" * (len(pixels) % 2)
    entries, behind = b"", b""
    at = 8 + len(pixels) + 2 + 12 * len(fields) + 4
    for tag, kind, values in fields:
        body = struct.pack("<%d%s" % (len(values), {3: "H", 4: "I", 5: "I"}[kind]), *values)
        count = len(values) // 2 if kind == 5 else len(values)
        if len(body) > 4:
            entries += struct.pack("<HHII", tag, kind, count, at + len(behind))
            behind += body
        else:
            entries += struct.pack("<HHI", tag, kind, count) + body.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<I", 8 + len(pixels)) + pixels + struct.pack("<H", len(fields)) + entries + struct.pack("<I", 0) + behind


def png_of(im):
    name = os.path.join(TEMP, "%s.png" % hashlib.sha256(im.tobytes() + im.mode.encode()).hexdigest()[:8])
    im.save(name)
    return name


def netpbm():
    def text(kind, values, maxval=None, per_line=17):
        words = [str(v) for v in values]
        lines = [" ".join(words[i:i + per_line]) for i in range(0, len(words), per_line)]
        head = "%s\n# a comment\n%d %d\n" % (kind, W, H) + ("%d\n" % maxval if maxval else "")
        return (head + "\n".join(lines) + "\n").encode()

    bits = (numpy.asarray(BILEVEL) == 0).astype(int)
    put("p1.pbm", text("P1", bits.flatten()))
    put("p1_dense.pbm", ("P1 %d %d\n" % (W, H)).encode() + b"".join(b"".join(b"%d" % v for v in row) + b"\n" for row in bits))
    BILEVEL.save(path("p4.pbm"))
    put("p2.pgm", text("P2", G.flatten(), 255))
    put("p2_100.pgm", text("P2", (G.astype(int) * 100 // 255).flatten(), 100))
    put("p2_4095.pgm", text("P2", (G.astype(int) * 16).flatten(), 4095))
    put("p3.ppm", text("P3", A.flatten(), 255))
    put("p3_1023.ppm", text("P3", (A.astype(int) * 4).flatten(), 1023))
    GREY.save(path("p5.pgm"))
    RGB.save(path("p6.ppm"))
    put("p5_100.pgm", b"P5 %d %d 100\n" % (W, H) + (G.astype(int) * 100 // 255).astype(numpy.uint8).tobytes())
    put("p5_4095.pgm", b"P5\n%d %d\n4095\n" % (W, H) + (G.astype(int) * 16).astype(">u2").tobytes())
    put("p5_65535.pgm", b"P5\n%d %d\n65535\n" % (W, H) + (G.astype(int) * 257).astype(">u2").tobytes())
    put("p6_65535.ppm", b"P6\n%d %d\n65535\n" % (W, H) + (A.astype(int) * 257).astype(">u2").tobytes())
    put("p6_commented.ppm", b"P6 # maker\n%d # width\n%d\n# white\n255\n" % (W, H) + A.tobytes())
    for name in ("p1.pbm", "p1_dense.pbm", "p4.pbm", "p2.pgm", "p3.ppm", "p5.pgm", "p6.ppm", "p6_commented.ppm"):
        both(name)
    for name in ("p2_100.pgm", "p2_4095.pgm", "p3_1023.ppm", "p5_100.pgm", "p5_4095.pgm", "p5_65535.pgm", "p6_65535.ppm"):
        expect(name, magick(name), "ImageMagick", 1)
    put("two.pgm", b"".join(b"P5 %d %d 255\n" % (W, H) + x for x in (G.tobytes(), (255 - G).tobytes())))
    both("two.pgm")

    def pam(name, kind, data, maxval=255):
        depth = data.shape[2] if data.ndim == 3 else 1
        kind_of = ">u2" if maxval > 255 else "u1"
        put(name, b"P7\nWIDTH %d\nHEIGHT %d\nDEPTH %d\nMAXVAL %d\nTUPLTYPE %s\nENDHDR\n" % (W, H, depth, maxval, kind) + data.astype(kind_of).tobytes())
    pam("bilevel.pam", b"BLACKANDWHITE", 1 - bits, 1)
    pam("grey.pam", b"GRAYSCALE", G)
    pam("rgb.pam", b"RGB", A)
    pam("rgb16.pam", b"RGB", A.astype(int) * 257, 65535)
    pam("rgba.pam", b"RGB_ALPHA", numpy.asarray(RGBA))
    pam("grey_alpha.pam", b"GRAYSCALE_ALPHA", numpy.asarray(RGBA.convert("LA")))
    for name in ("bilevel", "grey", "rgb", "rgb16", "rgba", "grey_alpha"):
        expect(name + ".pam", magick(name + ".pam"), "ImageMagick", 1)
    for name, data, order in (("grey_little.pfm", G / 255, "<"), ("grey_big.pfm", G / 255, ">"), ("rgb.pfm", A / 255, "<")):
        put(name, b"%s\n%d %d\n%s\n" % (b"PF" if data.ndim == 3 else b"Pf", W, H, b"-1.0" if order == "<" else b"1.0") + data[::-1].astype(order + "f4").tobytes())
        back = numpy.asarray(Image.open(path(name))) if data.ndim == 2 else imagecodecs_pfm(path(name))
        expect(name, levels(back, 0, 1), "Pillow" if data.ndim == 2 else "numpy", 1)


def imagecodecs_pfm(name):
    with open(name, "rb") as f:
        body = f.read().split(b"\n", 3)[3]
    return numpy.frombuffer(body, "<f4").reshape(H, W, 3)[::-1]


def bmps():
    BILEVEL.save(path("bits1.bmp"))
    PALETTE.save(path("bits8.bmp"))
    RGB.save(path("bits24.bmp"))
    for name in ("bits1.bmp", "bits8.bmp", "bits24.bmp"):
        both(name)
    run("convert", png_of(RGB), "-colors", "12", "-type", "Palette", "BMP3:" + path("bits4.bmp"))
    run("convert", png_of(RGB), "-colors", "60", "-type", "Palette", "-compress", "RLE", "BMP3:" + path("rle8.bmp"))
    run("convert", png_of(RGB), "BMP2:" + path("os2.bmp"))
    run("convert", png_of(RGB), "-colors", "60", "-type", "Palette", "BMP2:" + path("os2_palette.bmp"))
    for name in ("bits4.bmp", "rle8.bmp", "os2.bmp", "os2_palette.bmp"):
        both(name)
    run("convert", png_of(RGB), "-define", "bmp:subtype=RGB565", "BMP:" + path("rgb565.bmp"))
    run("convert", png_of(RGB), "-define", "bmp:subtype=RGB555", "BMP:" + path("rgb555.bmp"))
    run("convert", png_of(RGBA), "BMP:" + path("rgba.bmp"))
    for name in ("rgb565.bmp", "rgb555.bmp", "rgba.bmp"):
        expect(name, magick(name), "ImageMagick", 4 if "rgb5" in name else 1)

    def dib(w, h, bits, compression, data, palette=b"", colours=0):
        head = struct.pack("<IiiHHIIiiII", 40, w, h, 1, bits, compression, len(data), 2835, 2835, colours, 0)
        body = head + palette + data
        return b"BM" + struct.pack("<IHHI", 14 + len(body), 0, 0, 14 + len(head) + len(palette)) + body
    stride = -(-3 * W // 4) * 4
    rows = b"".join(numpy.asarray(RGB)[y, :, ::-1].tobytes().ljust(stride, b"\0") for y in range(H))
    put("top_down.bmp", dib(W, -H, 24, 0, rows))
    put("bits32.bmp", dib(W, H, 32, 0, b"".join(numpy.concatenate([A[y, :, ::-1], numpy.zeros((W, 1), numpy.uint8)], -1).tobytes() for y in reversed(range(H)))))
    both("top_down.bmp")
    both("bits32.bmp")
    masks = struct.pack("<III", 0x3ff00000, 0x000ffc00, 0x000003ff)
    a = A.astype(numpy.uint32)
    put("rgb101010.bmp", dib(W, H, 32, 3, b"".join(((a[y, :, 0] * 1023 // 255 << 20) | (a[y, :, 1] * 1023 // 255 << 10) | (a[y, :, 2] * 1023 // 255)).astype("<u4").tobytes() for y in reversed(range(H))), masks))
    expect("rgb101010.bmp", magick("rgb101010.bmp"), "ImageMagick", 1)
    # RLE4 and RLE8 with every escape: runs, literal pixels, a jump, ends of lines.
    p = PALETTE.resize((16, 4), Image.NEAREST)
    colours = b"".join(bytes(p.getpalette()[3 * i:3 * i + 3][::-1]) + b"\0" for i in range(16))
    rle4 = bytes([5, 0x12, 3, 0x44, 0, 3, 0x56, 0x70, 5, 0xab, 0, 0, 0, 5, 0x12, 0x34, 0x50, 0, 4, 0x99, 0, 2, 2, 1, 6, 0xcd, 0, 0, 16, 0x31, 0, 1])
    put("rle4.bmp", dib(16, 4, 4, 2, rle4, colours, 16))
    rle8 = bytes([5, 1, 3, 4, 0, 3, 5, 6, 7, 0, 5, 10, 0, 0, 0, 5, 1, 2, 3, 4, 5, 0, 4, 9, 0, 2, 2, 1, 6, 12, 0, 0, 16, 3, 0, 1])
    put("rle8_escapes.bmp", dib(16, 4, 8, 1, rle8, colours, 16))
    both("rle4.bmp")
    both("rle8_escapes.bmp")


def icons():
    RGBA.save(path("png.ico"), sizes=[(W, H)])
    RGBA.save(path("bmp32.ico"), sizes=[(W, H)], bitmap_format="bmp")
    both("png.ico")
    both("bmp32.ico")
    big = drawing(32, 32)
    big.save(path("sizes.ico"), sizes=[(16, 16), (32, 32), (24, 24)], bitmap_format="bmp")
    expect("sizes.ico", pillow("sizes.ico"), "Pillow")  # ImageMagick takes the first
    small = drawing(16, 16).convert("RGBA")
    small.putalpha(Image.eval(small.getchannel(0), lambda v: 255 * (v > 60)))
    run("convert", png_of(small), "-alpha", "off", "-colors", "16", "-type", "Palette", "ICO:" + path("palette.ico"))
    expect("palette.ico", pillow("palette.ico"), "Pillow", 0)
    # 24 bits with a mask, and a cursor.
    rows = b"".join(numpy.asarray(small.convert("RGB"))[y, :, ::-1].tobytes() for y in reversed(range(16)))
    mask = b"".join(numpy.packbits(numpy.asarray(small.getchannel(3))[y] == 0).tobytes().ljust(4, b"\0") for y in reversed(range(16)))
    body = struct.pack("<IiiHHIIiiII", 40, 16, 32, 1, 24, 0, 0, 0, 0, 0, 0) + rows + mask
    for kind, name in ((1, "mask24.ico"), (2, "mask24.cur")):
        put(name, struct.pack("<HHH", 0, kind, 1) + struct.pack("<BBBBHHII", 16, 16, 0, 0, 1 if kind == 1 else 3, 24 if kind == 1 else 5, len(body), 22) + body)
        expect(name, pillow("mask24.ico"), "Pillow" + ", of the same as an icon" * (kind == 2))


def tgas():
    for name, im in (("grey", GREY), ("grey_alpha", RGBA.convert("LA")), ("palette", PALETTE), ("rgb", RGB), ("rgba", RGBA)):
        for packing in (None, "tga_rle"):
            for direction in (1, -1):
                file = "%s%s%s.tga" % (name, "_rle" if packing else "", "_bottom_up" if direction < 0 else "")
                im.save(path(file), compression=packing, orientation=direction)
                expect(file, pillow(file), "Pillow", 1 if "alpha" in name or "rgba" in name else 0)
    run("convert", png_of(RGB), path("magick.tga"))
    run("convert", png_of(RGB), "-colors", "40", "-type", "Palette", "-compress", "RLE", path("magick_palette_rle.tga"))
    both("magick.tga")
    both("magick_palette_rle.tga")
    a = A.astype(numpy.uint16) >> 3
    head = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, W, H, 16, 0x20)
    put("rgb16.tga", head + ((a[..., 0] << 10) | (a[..., 1] << 5) | a[..., 2]).astype("<u2").tobytes())
    expect("rgb16.tga", pillow("rgb16.tga"), "Pillow", 1)
    head = struct.pack("<BBBHHBHHHHBB", 5, 0, 2, 0, 0, 0, 0, 0, W, H, 24, 0x30)
    put("right_to_left.tga", head + b"hello" + A[:, ::-1, ::-1].tobytes())
    expect("right_to_left.tga", pillow("right_to_left.tga"), "Pillow")


def pngs():
    grey16 = Image.fromarray(G.astype(numpy.uint16) * 257)
    files = {"grey1": BILEVEL, "grey8": GREY, "rgb8": RGB, "rgba8": RGBA, "grey_alpha8": RGBA.convert("LA"), "grey16": grey16, "palette": PALETTE}
    for name, im in files.items():
        im.save(path(name + ".png"))
        both(name + ".png", 1)
        run("convert", path(name + ".png"), "-interlace", "PNG", path(name + "_interlaced.png"))
        both(name + "_interlaced.png", 1)
    for bits in (2, 4):
        rows = b""
        for row in G // 2 ** (8 - bits):
            text = "".join(format(int(v), "0%db" % bits) for v in row)
            text += "0" * (-len(text) % 8)
            rows += b"\0" + bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))
        put("grey%d.png" % bits, b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, bits, 0, 0, 0, 0)) +
            png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b""))
        both("grey%d.png" % bits, 1)
    for bits in (1, 2, 4):
        RGB.quantize(2 ** bits).save(path("palette%d.png" % bits), bits=bits)
        both("palette%d.png" % bits)
    PALETTE.save(path("palette_transparent.png"), transparency=bytes(range(0, 256, 16)))
    GREY.save(path("grey_key.png"), transparency=G[5][5].item())
    RGB.save(path("rgb_key.png"), transparency=(20, 40, 200))
    for name in ("palette_transparent.png", "grey_key.png", "rgb_key.png"):
        both(name, 1)
    for name, im, kind in (("rgb16", RGB, "2"), ("rgba16", RGBA, "6"), ("grey_alpha16", RGBA.convert("LA"), "4")):
        run("convert", png_of(im), "-depth", "16", "-define", "png:bit-depth=16", "-define", "png:color-type=" + kind, path(name + ".png"))
        both(name + ".png", 1)
    Image.fromarray(G.astype(numpy.uint16) << 4).save(path("twelve_in_16.png"))
    expect("twelve_in_16.png", levels(numpy.asarray(Image.open(path("twelve_in_16.png"))), 0, 4095), "Pillow", 1)
    # sBIT says 12: dark pictures of a camera stay dark.
    dark = (G.astype(numpy.uint16) << 4) // 5
    Image.fromarray(dark).save(path("twelve_in_16_sbit.png"))
    chunk("twelve_in_16_sbit.png", b"sBIT", bytes([12]))
    expect("twelve_in_16_sbit.png", levels(numpy.asarray(Image.open(path("twelve_in_16_sbit.png"))), 0, 4095), "Pillow", 1)


def png_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def chunk(name, kind, body):
    """Puts a chunk behind the header of a PNG."""
    with open(path(name), "rb") as f:
        data = f.read()
    put(name, data[:33] + png_chunk(kind, body) + data[33:])


def jpegs():
    for name, subsampling in (("444", "4:4:4"), ("422", "4:2:2"), ("420", "4:2:0"), ("440", "1x2"), ("411", "4x1")):
        file = "yuv%s.jpg" % name
        if ":" in subsampling:
            smooth().save(path(file), quality=95, subsampling=subsampling)
        else:
            run("convert", png_of(smooth()), "-quality", "95", "-sampling-factor", subsampling, path(file))
        expect(file, pillow(file), "Pillow", *(4,) if name == "444" else HALF)
    RGB.save(path("progressive.jpg"), quality=95, subsampling=0, progressive=True)
    GREY.save(path("grey.jpg"), quality=95)
    RGB.save(path("restart.jpg"), quality=95, subsampling=0, restart_marker_blocks=2)
    for name in ("progressive.jpg", "grey.jpg", "restart.jpg"):
        both(name, 4)
    RGB.save(path("rgb.jpg"), quality=95, subsampling=0, keep_rgb=True)
    both("rgb.jpg", 4)
    ink = RGB.convert("CMYK")
    ink.save(path("cmyk.jpg"), quality=95, subsampling=0)
    with open(path("cmyk.jpg"), "rb") as f:
        data = f.read()
    at = data.index(b"\xff\xee")
    put("cmyk_unmarked.jpg", data[:at] + data[at + 2 + struct.unpack(">H", data[at + 2:at + 4])[0]:])
    run("convert", path("cmyk.jpg"), "-colorspace", "CMYK", "-quality", "95", "-sampling-factor", "1x1", path("ycck.jpg"))
    for name in ("cmyk.jpg", "cmyk_unmarked.jpg", "ycck.jpg"):
        expect(name, pillow(name), "Pillow", 5)


def gifs():
    PALETTE.save(path("plain.gif"), interlace=0)
    PALETTE.save(path("interlaced.gif"), interlace=1)
    PALETTE.save(path("transparent.gif"), transparency=PALETTE.getpixel((5, 5)))
    for name in ("plain.gif", "interlaced.gif", "transparent.gif"):
        both(name)
    run("convert", "-size", "%dx%d" % (W, H), "xc:none", "(", png_of(RGB.crop((0, 0, 10, 8))), "-repage", "%dx%d+7+6" % (W, H), ")", "-delete", "0", path("part_of_canvas.gif"))
    expect("part_of_canvas.gif", magick("part_of_canvas.gif"), "ImageMagick")


def s15(v):
    return struct.pack(">i", int(round(v * 65536)))


def xy_to_columns(white, red, green, blue):
    """Columns of a matrix profile: primaries adapted to D50 by Bradford's method."""
    xyz = lambda p: numpy.array([p[0] / p[1], 1, (1 - p[0] - p[1]) / p[1]])
    m = numpy.stack([xyz(red), xyz(green), xyz(blue)], 1)
    m = m * numpy.linalg.solve(m, xyz(white))
    b = numpy.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    d50 = numpy.array([0.9642, 1, 0.8249])
    adapt = numpy.linalg.inv(b) @ numpy.diag((b @ d50) / (b @ xyz(white))) @ b
    return (adapt @ m).T


def profile(space, curve, columns=None, name="test"):
    """An ICC profile of version 4, of a curve and a matrix."""
    tags = [(b"wtpt", b"XYZ \0\0\0\0" + s15(0.9642) + s15(1) + s15(0.8249))]
    text = name.encode("utf-16-be")
    for tag in (b"desc", b"cprt"):
        tags.append((tag, b"mluc\0\0\0\0" + struct.pack(">II", 1, 12) + b"enUS" + struct.pack(">II", len(text), 28) + text))
    if space == b"GRAY":
        tags.append((b"kTRC", curve))
    else:
        for letter, column in zip(b"rgb", columns):
            tags.append((bytes([letter]) + b"XYZ", b"XYZ \0\0\0\0" + b"".join(s15(v) for v in column)))
            tags.append((bytes([letter]) + b"TRC", curve))
    at = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for tag, data in tags:
        data += b"\0" * (-len(data) % 4)
        table += tag + struct.pack(">II", at + len(body), len(data))
        body += data
    size = at + len(body)
    head = struct.pack(">I", size) + b"\0\0\0\0" + b"\x04\x30\0\0" + b"mntr" + space + b"XYZ " + struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28 + s15(0.9642) + s15(1) + s15(0.8249)
    return head.ljust(128, b"\0") + table + body


D65 = (0.3127, 0.3290)
P3 = (D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE = (D65, (0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
SRGB = (D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
PROPHOTO = ((0.34567, 0.35850), (0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001))
BT2020 = (D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
S_CURVE = b"para\0\0\0\0\0\3\0\0" + s15(2.4) + s15(1 / 1.055) + s15(0.055 / 1.055) + s15(1 / 12.92) + s15(0.04045)


def gamma(v):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, int(round(v * 256)))


def power(v):
    return b"para\0\0\0\0\0\0\0\0" + s15(v)


def table_of(f, n):
    return b"curv\0\0\0\0" + struct.pack(">I", n) + b"".join(struct.pack(">H", int(round(65535 * f(i / (n - 1))))) for i in range(n))


def srgb_light(v):
    return v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4


def in_srgb(im, icc, mode="RGB"):
    return ImageCms.profileToProfile(im, ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB"), outputMode="RGB" if im.mode == "L" else im.mode,
                                     renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC)


def colours():
    profiles = {
        "p3": profile(b"RGB ", S_CURVE, xy_to_columns(*P3)), "adobe": profile(b"RGB ", gamma(2.19921875), xy_to_columns(*ADOBE)),
        "prophoto": profile(b"RGB ", power(1.8), xy_to_columns(*PROPHOTO)), "table": profile(b"RGB ", table_of(lambda v: v ** 1.5, 33), xy_to_columns(*ADOBE)),
    }
    by = "LittleCMS"
    kept = os.path.join(HERE, "..", "internal", "icc", "testdata")
    os.makedirs(kept, exist_ok=True)
    srgb_profiles = {"srgb_parametric": profile(b"RGB ", S_CURVE, xy_to_columns(*SRGB)), "srgb_table": profile(b"RGB ", table_of(srgb_light, 1024), xy_to_columns(*SRGB)),
                     "srgb_littlecms": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()}
    for name, icc in {**profiles, **srgb_profiles, "grey": profile(b"GRAY", gamma(1.8))}.items():
        with open(os.path.join(kept, name + ".icc"), "wb") as f:
            f.write(icc)
    for name, icc in profiles.items():
        RGB.save(path("icc_%s.png" % name), icc_profile=icc)
        expect("icc_%s.png" % name, in_srgb(RGB, icc), by, 1, converted=True)
    p3 = profiles["p3"]
    PALETTE.save(path("icc_p3_palette.png"), icc_profile=p3)
    expect("icc_p3_palette.png", in_srgb(PALETTE.convert("RGB"), p3), by, 1, converted=True)
    RGBA.save(path("icc_p3_alpha.png"), icc_profile=p3)
    turned = in_srgb(RGB, p3)
    turned.putalpha(RGBA.getchannel("A"))
    expect("icc_p3_alpha.png", on_white(turned), by, 1, converted=True)
    run("convert", png_of(RGB), "-depth", "16", "-define", "png:bit-depth=16", path("icc_p3_16.png"))
    with open(path("icc_p3_16.png"), "rb") as f:
        assert f.read()[24] == 16
    chunk("icc_p3_16.png", b"iCCP", b"p3\0\0" + zlib.compress(p3))
    expect("icc_p3_16.png", in_srgb(RGB, p3), by, 1, converted=True)
    RGB.save(path("icc_p3.jpg"), quality=97, subsampling=0, icc_profile=p3)
    expect("icc_p3.jpg", in_srgb(Image.open(path("icc_p3.jpg")), p3), by, 6, mean=1, converted=True)
    padded = p3 + b"\0" * 70000  # of two segments
    RGB.save(path("icc_p3_segments.jpg"), quality=97, subsampling=0, icc_profile=struct.pack(">I", len(padded)) + padded[4:])
    expect("icc_p3_segments.jpg", in_srgb(Image.open(path("icc_p3_segments.jpg")), p3), by, 6, mean=1, converted=True)
    RGB.save(path("icc_p3.tif"), icc_profile=p3)
    expect("icc_p3.tif", in_srgb(RGB, p3), by, 1, converted=True)
    RGB.save(path("icc_p3.webp"), lossless=True, icc_profile=p3)
    expect("icc_p3.webp", in_srgb(RGB, p3), by, 1, converted=True)
    grey = profile(b"GRAY", gamma(1.8))
    for name, im in (("icc_grey.png", GREY), ("icc_grey.jpg", GREY), ("icc_grey.tif", GREY)):
        im.save(path(name), icc_profile=grey, **(dict(quality=97) if "jpg" in name else {}))
        expect(name, in_srgb(Image.open(path(name)), grey), by, 1 if "jpg" not in name else 4, converted=True)
    # sRGB, by whichever curve, changes no bit.
    for name, icc in srgb_profiles.items():
        RGB.save(path("icc_%s.png" % name), icc_profile=icc)
        expect("icc_%s.png" % name, RGB, "Pillow")
    # PNG's own words. LittleCMS is given a profile that says the same.
    for name, chunks, icc in (
        ("gama_linear", [(b"gAMA", struct.pack(">I", 100000))], profile(b"RGB ", power(1), xy_to_columns(*SRGB))),
        ("gama_18", [(b"gAMA", struct.pack(">I", 55556))], profile(b"RGB ", power(1.8), xy_to_columns(*SRGB))),
        ("gama_chrm_adobe", [(b"gAMA", struct.pack(">I", 45455)), (b"cHRM", struct.pack(">8I", *[int(round(v * 100000)) for p in ADOBE for v in p]))], profile(b"RGB ", S_CURVE, xy_to_columns(*ADOBE))),
        ("cicp_p3", [(b"cICP", bytes([12, 13, 0, 1]))], p3),
        ("cicp_2020_linear", [(b"cICP", bytes([9, 8, 0, 1]))], profile(b"RGB ", power(1), xy_to_columns(*BT2020))),
        ("cicp_before_gama", [(b"gAMA", struct.pack(">I", 100000)), (b"cICP", bytes([12, 13, 0, 1]))], p3),
    ):
        RGB.save(path(name + ".png"))
        for kind, body in chunks:
            chunk(name + ".png", kind, body)
        expect(name + ".png", in_srgb(RGB, icc), by, 2, converted=True)
    for name, chunks in (("gama_srgb", [(b"gAMA", struct.pack(">I", 45455))]), ("srgb_before_gama", [(b"gAMA", struct.pack(">I", 100000)), (b"sRGB", b"\0")]),
                         ("chrm_alone", [(b"cHRM", struct.pack(">8I", *[int(round(v * 100000)) for p in ADOBE for v in p]))]), ("cicp_srgb", [(b"cICP", bytes([1, 13, 0, 1]))])):
        RGB.save(path(name + ".png"))
        for kind, body in chunks:
            chunk(name + ".png", kind, body)
        expect(name + ".png", RGB, "Pillow")


def found():
    """Pictures of found/, which came from elsewhere and were once read wrongly or not at all."""
    for name in ("bmp8rle.bmp", "g4.tif", "g4_isblack.tif", "g4_iswhite.tif", "icc_srgb.png", "icon.ico", "p2_ascii.pgm", "p5.pgm", "p6.ppm"):
        expect("../found/" + name, pillow("../found/" + name), "Pillow", 1 if name.startswith("p2") else 0)
    expect("../found/rgb_jpeg.tif", pillow("../found/rgb_jpeg.tif"), "Pillow", 4)
    expect("../found/float01.tif", levels(tifffile.imread(path("../found/float01.tif")), 0, 1), "tifffile", 1)
    for name, high in (("g12in16.png", 4095), ("p5_16.pgm", 65535)):
        expect("../found/" + name, levels(numpy.asarray(Image.open(path("../found/" + name))), 0, high), "Pillow", 1)
    im = Image.open(path("../found/icc_p3.png"))
    expect("../found/icc_p3.png", in_srgb(im, im.info["icc_profile"]), "LittleCMS", 1, converted=True)


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    for make in (tiffs, netpbm, bmps, icons, tgas, pngs, jpegs, gifs, colours, found):
        make()
    for name in set(os.listdir(OUT)) - set(entries):  # from which others were made
        os.remove(path(name))
    version = subprocess.run(["convert", "-version"], capture_output=True, text=True).stdout.split("\n")[0]
    out = dict(made_by="make_formats.py", pillow=PIL.__version__, littlecms=ImageCms.core.littlecms_version, tifffile=tifffile.__version__,
               imagecodecs=imagecodecs.__version__, imagemagick=version, pictures=entries, pixels=pixels)
    with open(os.path.join(HERE, "formats.json"), "w") as f:
        json.dump(out, f, indent=0)
        f.write("\n")
    print(len(entries), "pictures")
    if problems:
        raise SystemExit("\n".join(problems))


main()
