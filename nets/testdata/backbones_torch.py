#!/usr/bin/env python3
"""Writes backbones.json: backbones of torchvision and timm, small and whole.

    python3 backbones_torch.py [NAME …]     all, or only those; the others stay

A small one is in float64, its weights drawn by a generator that the test has too (uniform below), so that the
file holds none: the embeddings in training mode, of the gradient of sum(objective * embeddings) to every
parameter its length and a product with drawn numbers, the same of what does not learn after the step, and the embeddings
in evaluation mode after it. Of a whole one: the parameters' number, and a checksum of names and shapes.
"""
import hashlib, json, os, sys
import numpy as np
import timm
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision

torch.set_default_dtype(torch.float64)
F.hardsigmoid = lambda x, inplace=False: F.relu6(x + 3) / 6  # torch's own has a gradient of float32's 1/6
PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "backbones.json")


def uniform(name, n):
    """n numbers from [-1, 1): SplitMix64 from the FNV-1a hash of a name."""
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = (h ^ b) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(h) + (np.arange(n, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) / 2**52 - 1


def drawn(name, shape):
    """The numbers of a parameter or buffer."""
    u = torch.from_numpy(uniform(name, int(np.prod(shape)))).reshape(shape)
    last = name.rsplit(".", 1)[-1]
    if "prelu" in name:
        return 0.25 + 0.1 * u
    if last in ("gamma", "gamma_1", "gamma_2"):
        return 0.5 + 0.3 * u
    if last.endswith("_token") or last.endswith("_embed"):
        return 0.5 * u
    if last == "running_var" or len(shape) == 1 and last == "weight":
        return 1 + 0.3 * u
    if len(shape) == 1:
        return 0.1 * u
    return u * (3 / np.prod(shape[1:])) ** 0.5


class Embedder(nn.Module):
    """A backbone without its head, and the layer of the embedding."""

    def __init__(self, trunk, features, embedding=3):
        super().__init__()
        self.trunk, self.fc = trunk, nn.Linear(features, embedding)

    def forward(self, x):
        return F.normalize(self.fc(self.trunk(x)))


def named(net, tensors):
    """By the names that the trunk has alone; the embedding's layer is fc, with a mark."""
    return [(k.removeprefix("trunk.") if k.startswith("trunk.") else "embedding." + k, v) for k, v in tensors if not k.endswith("num_batches_tracked")]


def digest(name, t):
    t = t.detach().flatten()
    return [float(f"{v:.12g}") for v in (t.norm().item(), t.dot(torch.from_numpy(uniform(name + " probe", len(t)))).item())]


def numbers(t):
    return [float(f"{v:.12g}") for v in t.detach().flatten().tolist()]


def small(trunk, shape, **go):
    """go is what the test builds: fields of nets.Config, and of the backbone's type."""
    torch.manual_seed(0)
    trunk = trunk.double().train()
    features = trunk(torch.randn(shape)).shape[1]
    net = Embedder(trunk, features).train()
    for name, v in named(net, list(net.named_parameters()) + list(net.named_buffers())):
        v.data.copy_(drawn(name, v.shape))
    x = torch.from_numpy(uniform("pictures", int(np.prod(shape)))).reshape(shape) * 1.7
    e = net(x)
    objective = torch.from_numpy(uniform("objective", e.numel())).reshape(e.shape)
    (objective * e).sum().backward()
    return dict(shape=shape, features=features, **go, train=numbers(e), gradients={k: digest(k, p.grad) for k, p in named(net, net.named_parameters()) if p.requires_grad},
                buffers={k: digest(k, b) for k, b in named(net, [*net.named_buffers(), *((k, p) for k, p in net.named_parameters() if not p.requires_grad)])}, eval=numbers(net.eval()(x)))


def whole(net, heads, **go):
    """Without the parameters whose names begin with one of heads."""
    state = {k: v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked") and not any(k.startswith(h) for h in heads)}
    lines = sorted(f"{k} {' '.join(map(str, v.shape))}" for k, v in state.items())
    parameters = sum(p.numel() for k, p in net.named_parameters() if k in state)
    return dict(parameters=parameters, tensors=len(lines), sum=hashlib.sha256("\n".join(lines).encode()).hexdigest(), **go)


SMALL, WHOLE = {}, {}


class TinyResNet(torchvision.models.ResNet):
    """torchvision's blocks and forward pass, with fewer channels."""

    def __init__(self, block, layers, channels):
        nn.Module.__init__(self)
        self._norm_layer, self.inplanes, self.dilation, self.groups, self.base_width = nn.BatchNorm2d, channels[0], 1, 1, 64
        self.conv1, self.bn1 = nn.Conv2d(3, channels[0], 7, 2, 3, bias=False), nn.BatchNorm2d(channels[0])
        self.relu, self.maxpool = nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        for i, (n, c) in enumerate(zip(layers, channels), 1):
            setattr(self, f"layer{i}", self._make_layer(block, c, n, 1 if i == 1 else 2))
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Identity()


from torchvision.models.resnet import BasicBlock, Bottleneck

for n, block in (("resnet34", BasicBlock), ("resnet50", Bottleneck)):
    SMALL[n] = lambda n=n, block=block: small(TinyResNet(block, (2, 1, 2, 1), (4, 6, 8, 8)), (6, 3, 48, 41), config=dict(backbone=n, channels=[4, 6, 8, 8], stem="standard"))
for n in ("resnet18", "resnet34", "resnet50", "resnet101"):
    WHOLE[n] = lambda n=n: whole(getattr(torchvision.models, n)(), ["fc."], config=dict(backbone=n))

from timm.models import efficientnet, mobilenetv3

for n, variant in (("efficientnet-b0", "efficientnet_b0"), ("efficientnet-lite0", "efficientnet_lite0"), ("mobilenet-v3-large", "mobilenetv3_large_100"), ("mobilenet-v3-small", "mobilenetv3_small_100")):
    WHOLE[n] = lambda n=n, variant=variant: whole(timm.create_model(variant), ["classifier."], config=dict(backbone=n))
SMALL["efficientnet-b0"] = lambda: small(efficientnet._gen_efficientnet("efficientnet_b0", channel_multiplier=0.25, depth_multiplier=0.5, num_classes=0), (5, 3, 48, 56))
SMALL["efficientnet-lite0"] = lambda: small(efficientnet._gen_efficientnet_lite("efficientnet_lite0", channel_multiplier=0.25, depth_multiplier=0.5, num_classes=0), (5, 3, 48, 56))
SMALL["tf-efficientnet-b0"] = lambda: small(efficientnet._gen_efficientnet("tf_efficientnet_b0", channel_multiplier=0.25, depth_multiplier=0.5, num_classes=0, pad_type="same", bn_eps=1e-3), (5, 3, 44, 55), config=dict(same_pad=True, norm_eps=1e-3))
SMALL["mobilenet-v3-large"] = lambda: small(mobilenetv3._gen_mobilenet_v3("mobilenetv3_large_100", channel_multiplier=0.35, num_classes=0), (5, 3, 48, 56))
SMALL["mobilenet-v3-small"] = lambda: small(mobilenetv3._gen_mobilenet_v3("mobilenetv3_small_100", channel_multiplier=0.5, num_classes=0), (5, 3, 48, 56))

from functools import partial
from timm.models.vision_transformer import VisionTransformer


def tiny_vit(**go):
    return VisionTransformer(img_size=(24, 16), patch_size=8, embed_dim=12, depth=2, num_heads=3, num_classes=0, **go)


SMALL["vit-small-16"] = lambda: small(tiny_vit(), (3, 3, 24, 16))
SMALL["vit-mean"] = lambda: small(tiny_vit(class_token=False, global_pool="avg"), (3, 3, 24, 16))
SMALL["dinov2-small"] = lambda: small(tiny_vit(init_values=1e-5), (3, 3, 24, 16))
SMALL["dinov2-small-registers"] = lambda: small(tiny_vit(init_values=1e-5, reg_tokens=4, no_embed_class=True), (3, 3, 24, 16))
SMALL["clip-base-32"] = lambda: small(tiny_vit(pre_norm=True, norm_layer=partial(nn.LayerNorm, eps=1e-5), act_layer="quick_gelu"), (3, 3, 24, 16))
SMALL["siglip-base-16"] = lambda: small(tiny_vit(class_token=False, global_pool="map", act_layer="gelu_tanh"), (3, 3, 24, 16))
for n, variant, side in (("vit-small-16", "vit_small_patch16_224.dino", 224), ("vit-base-16", "vit_base_patch16_224.dino", 224), ("dinov2-small", "vit_small_patch14_dinov2", 518), ("dinov2-small-registers", "vit_small_patch14_reg4_dinov2", 518),
                         ("dinov2-base", "vit_base_patch14_dinov2", 518), ("clip-base-32", "vit_base_patch32_clip_quickgelu_224", 224), ("clip-base-16", "vit_base_patch16_clip_quickgelu_224", 224), ("siglip-base-16", "vit_base_patch16_siglip_224", 224)):
    WHOLE[n] = lambda n=n, variant=variant, side=side: whole(timm.create_model(variant), ["head."], config=dict(backbone=n, height=side, width=side))

from timm.models.convnext import ConvNeXt

SMALL["convnext-tiny"] = lambda: small(ConvNeXt(depths=(1, 2, 1, 1), dims=(4, 6, 8, 8), num_classes=0), (4, 3, 64, 70))
for n in ("convnext-tiny", "convnext-small"):
    WHOLE[n] = lambda n=n: whole(timm.create_model(n.replace("-", "_")), ["head.fc."], config=dict(backbone=n))

# InsightFace's are no package: INSIGHTFACE names the folder recognition/arcface_torch of its sources.
if "INSIGHTFACE" in os.environ:
    sys.path.insert(0, os.environ["INSIGHTFACE"])
    from backbones import iresnet, mobilefacenet

    class TinyIResNet(iresnet.IResNet):
        """InsightFace's blocks and forward pass, with fewer channels, for pictures of 32 by 48."""

        def __init__(self, layers, channels, features):
            nn.Module.__init__(self)
            self.inplanes, self.dilation, self.groups, self.base_width, self.fp16 = channels[0], 1, 1, 64, False
            self.conv1, self.bn1, self.prelu = nn.Conv2d(3, channels[0], 3, 1, 1, bias=False), nn.BatchNorm2d(channels[0]), nn.PReLU(channels[0])
            for i, (n, c) in enumerate(zip(layers, channels), 1):
                setattr(self, f"layer{i}", self._make_layer(iresnet.IBasicBlock, c, n, stride=2))
            self.bn2, self.dropout, self.fc = nn.BatchNorm2d(channels[-1]), nn.Identity(), nn.Linear(channels[-1] * 2 * 3, features)
            self.features = nn.BatchNorm1d(features)
            self.features.weight.requires_grad = False

    def tiny_mobilefacenet():
        net = mobilefacenet.MobileFaceNet(num_features=8, blocks=(1, 1, 2, 1), scale=2)
        net.features.layers[0] = mobilefacenet.LinearBlock(512, 512, groups=512, kernel=(2, 2))
        return net

    SMALL["iresnet50"] = lambda: small(TinyIResNet((1, 2, 1, 1), (4, 6, 8, 8), 10), (6, 3, 32, 48))
    SMALL["mobilefacenet"] = lambda: small(tiny_mobilefacenet(), (4, 3, 32, 32))
    for n in ("iresnet18", "iresnet34", "iresnet50", "iresnet100"):
        WHOLE[n] = lambda n=n: whole(getattr(iresnet, n)(), [], config=dict(backbone=n, height=112, width=112))
    WHOLE["mobilefacenet"] = lambda: whole(mobilefacenet.get_mbf(False, 512), [], config=dict(backbone="mobilefacenet", height=112, width=112))

if __name__ == "__main__":
    wanted = sys.argv[1:] or list(dict.fromkeys([*SMALL, *WHOLE]))
    out = dict(small={}, whole={})
    if os.path.exists(PATH):
        with open(PATH) as f:
            out = json.load(f)
    for n in wanted:
        for key, makers in (("small", SMALL), ("whole", WHOLE)):
            if n in makers:
                out[key][n] = makers[n]()
    out.update(script="nets/testdata/backbones_torch.py", python=sys.version.split()[0], torch=torch.__version__, torchvision=torchvision.__version__, timm=timm.__version__)
    with open(PATH, "w") as f:
        json.dump(out, f, separators=(",", ":"), sort_keys=True)
