"""Exports networks of torchvision and timm with random weights to ONNX, and runs them with ONNX Runtime.

    models.py FOLDER small     the files of this folder
    models.py FOLDER large     those of the long series

Of each, NAME.onnx is the model, and NAME.json five pictures and what comes out of them. Names that end with -fixed are exported
for a batch of one, with -16 for version 16 of the operators; those that begin with dynamo by the exporter that torch has had since 2.5, if onnxscript is there. Needs torch,
torchvision, timm, onnx, onnxruntime. The small ones were made with torch 2.15.0, torchvision 0.29.2, onnxruntime 1.32.0.
"""
import os
import sys
import warnings

import timm
import torch
import torchvision.models as tv
from torch import nn

from run import run

warnings.filterwarnings("ignore")
folder, which = sys.argv[1:]


class Mixed(nn.Module):
    """Layers that the networks of the long series have, small."""

    def __init__(self):
        super().__init__()
        self.stem, self.bn, self.prelu = nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.PReLU(8)
        self.depthwise = nn.Conv2d(8, 8, 3, 1, 2, dilation=2, groups=8)
        self.squeeze, self.excite = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1)
        self.norm, self.fc = nn.GroupNorm(2, 16), nn.Linear(16, 10)

    def forward(self, x):
        x = self.prelu(self.bn(self.stem(x)))
        a, b = torch.chunk(nn.functional.hardswish(self.depthwise(x)), 2, 1)
        x = torch.cat([b, a], 1) + nn.functional.leaky_relu(x, 0.1)
        gate = nn.functional.hardsigmoid(self.excite(nn.functional.silu(self.squeeze(x.mean((2, 3), keepdim=True)))))
        x = nn.functional.max_pool2d(x * gate, 3, 2, 1, ceil_mode=True)
        x = torch.cat([x, nn.functional.avg_pool2d(x, 3, 1, 1)], 1)
        x = nn.functional.elu(self.norm(nn.functional.pad(x, (1, 0, 0, 1)))).clamp(-0.5, 3)
        return nn.functional.normalize(self.fc(x.amax((2, 3))))


def export(name, model, size):
    torch.manual_seed(0)
    model.eval()
    for parameter in model.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    for key, buffer in model.named_buffers():
        if key.endswith("running_mean"):
            buffer.normal_(0, 0.1)
        if key.endswith("running_var"):
            buffer.uniform_(0.75, 1.25)
    path, fixed = os.path.join(folder, name + ".onnx"), "-fixed" in name
    if name.startswith("dynamo"):
        axes = {} if fixed else {"dynamic_shapes": ({0: torch.export.Dim.DYNAMIC},)}
        torch.onnx.export(model, (torch.randn(1 if fixed else 2, 3, size, size),), path, dynamo=True, external_data=False, verbose=False, input_names=["input"], output_names=["output"], **axes)
    else:
        axes = None if fixed else {"input": {0: "N"}, "output": {0: "N"}}
        mode = torch.onnx.TrainingMode.PRESERVE if "-bn" in name else torch.onnx.TrainingMode.EVAL
        torch.onnx.export(model, torch.randn(1, 3, size, size), path, opset_version=16 if "-16" in name else 17, dynamo=False, input_names=["input"], output_names=["output"], dynamic_axes=axes, training=mode)
    run(path, size, torch=torch.__version__)


def vit(**more):
    return tv.VisionTransformer(image_size=16, patch_size=8, num_layers=1, num_heads=2, hidden_dim=8, mlp_dim=16, num_classes=5, **more)


def convnext():
    return tv.ConvNeXt([tv.convnext.CNBlockConfig(8, 12, 1), tv.convnext.CNBlockConfig(12, None, 1)], num_classes=5)


def named(name, size=32, **more):
    return timm.create_model(name, pretrained=False, img_size=size, num_classes=0, **more)


def swin():
    return timm.create_model("swin_tiny_patch4_window7_224", pretrained=False, img_size=56, window_size=7, num_classes=0, depths=(2, 2))


small = {
    "mixed": (Mixed, 16), "mixed-fixed": (Mixed, 16), "mixed-bn": (Mixed, 16), "vit-16": (vit, 16), "vit-fixed": (vit, 16), "convnext": (convnext, 16),
}
large = {
    "resnet18": (tv.resnet18, 32), "resnet18-bn": (tv.resnet18, 32), "resnet18-fixed": (tv.resnet18, 32),
    "mobilenet_v2-fixed": (tv.mobilenet_v2, 32), "mobilenet_v3_small": (tv.mobilenet_v3_small, 32), "mobilenet_v3_large-fixed": (tv.mobilenet_v3_large, 32),
    "efficientnet_b0": (tv.efficientnet_b0, 32), "convnext_tiny": (tv.convnext_tiny, 32), "convnext_tiny-fixed": (tv.convnext_tiny, 32),
    "shufflenet": (tv.shufflenet_v2_x0_5, 32), "densenet": (lambda: tv.DenseNet(8, (2, 2), 16), 32), "regnet": (tv.regnet_y_400mf, 32),
    "inception": (lambda: tv.inception_v3(init_weights=False, aux_logits=False), 96), "squeezenet": (tv.squeezenet1_1, 64),
    "vit_small": (lambda: named("vit_small_patch16_224", depth=2), 32), "vit_small-fixed": (lambda: named("vit_small_patch16_224", depth=2), 32),
    "dinov2": (lambda: named("vit_small_patch14_dinov2", 28, depth=2), 28), "dinov2_reg-fixed": (lambda: named("vit_small_patch14_reg4_dinov2", 28, depth=2), 28),
    "siglip": (lambda: named("vit_base_patch16_siglip_224", depth=1), 32), "clip": (lambda: named("vit_base_patch16_clip_quickgelu_224", depth=1), 32),
    "swin": (swin, 56), "swin-fixed": (swin, 56),
    "dynamo-resnet18": (tv.resnet18, 32), "dynamo-vit-fixed": (vit, 16), "dynamo-convnext": (convnext, 16), "dynamo-vit_small": (lambda: named("vit_small_patch16_224", depth=2), 32),
}
for name, (make, size) in {"small": small, "large": large}[which].items():
    if name.startswith("dynamo"):
        try:
            import onnxscript
        except ImportError:
            continue
    torch.manual_seed(0)
    export(name, make(), size)
