#!/usr/bin/env python3
"""Writes pretrained/: files of weights as libraries have them, of small backbones, and the features that these give.

    python3 pretrained.py

Needs torchvision, timm, transformers, open_clip_torch, safetensors, and backbones_torch.py beside it.
"""
import json, os, sys
from functools import partial
import numpy as np
import open_clip
import safetensors.torch
import timm
import torch
import torch.nn as nn
import torchvision
import transformers
from timm.layers import resample_abs_pos_embed
from torchvision.models import convnext, efficientnet, mobilenetv3

from backbones_torch import Bottleneck, TinyResNet, drawn, numbers, uniform
from timm.models.vision_transformer import VisionTransformer

torch.set_default_dtype(torch.float32)
DIR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pretrained")
os.makedirs(DIR, exist_ok=True)
cases = {}


def pictures(shape):
    return torch.from_numpy(uniform("pictures", int(np.prod(shape)))).float().reshape(shape) * 1.7


@torch.no_grad()
def fill(net):
    """Draws the weights, which float32 then has, and is ready to embed."""
    for k, v in net.state_dict().items():
        if v.is_floating_point():
            v.copy_(drawn(k, v.shape).float())
    return net.float().eval()


@torch.no_grad()
def case(name, file, state, features, shape, **more):
    path = os.path.join(DIR, file)
    if file.endswith(".safetensors"):
        safetensors.torch.save_file({k: v.contiguous().clone() for k, v in state.items()}, path)
    else:
        torch.save(state, path)
    os.chmod(path, 0o644)
    cases[name] = dict(file=file, shape=shape, features=numbers(features(pictures(shape))), **more)


net = fill(transformers.ResNetForImageClassification(transformers.ResNetConfig(embedding_size=4, hidden_sizes=[16, 24], depths=[1, 2], layer_type="bottleneck", num_labels=3)))
case("resnet of Hugging Face", "hf_resnet.safetensors", net.state_dict(), lambda x: net.resnet(x).pooler_output.flatten(1), [2, 3, 32, 32])

small = dict(hidden_size=12, num_hidden_layers=2, num_attention_heads=3, intermediate_size=48, patch_size=8)
vit = fill(transformers.ViTForImageClassification(transformers.ViTConfig(image_size=24, layer_norm_eps=1e-6, num_labels=3, **small)))
case("ViT of Hugging Face", "hf_vit.safetensors", vit.state_dict(), lambda x: vit.vit(x).last_hidden_state[:, 0], [2, 3, 24, 24])
dino = fill(transformers.Dinov2Model(transformers.Dinov2Config(image_size=40, layer_norm_eps=1e-6, mlp_ratio=4, **small)))
case("DINOv2 of Hugging Face, fewer patches", "hf_dinov2.safetensors", dino.state_dict(), lambda x: dino(x).pooler_output, [2, 3, 24, 16])
registers = fill(transformers.Dinov2WithRegistersModel(transformers.Dinov2WithRegistersConfig(image_size=40, layer_norm_eps=1e-6, mlp_ratio=4, num_register_tokens=2, **small)))
case("DINOv2 with registers of Hugging Face, fewer patches", "hf_dinov2_registers.safetensors", registers.state_dict(), lambda x: registers(x).pooler_output, [2, 3, 24, 16])
clip = fill(transformers.CLIPVisionModel(transformers.CLIPVisionConfig(image_size=24, projection_dim=5, **small)))
case("CLIP of Hugging Face", "hf_clip.safetensors", clip.state_dict(), lambda x: clip(x).pooler_output, [2, 3, 24, 24])
siglip = fill(transformers.SiglipVisionModel(transformers.SiglipVisionConfig(image_size=24, layer_norm_eps=1e-6, **small)))
case("SigLIP of Hugging Face", "hf_siglip.safetensors", siglip.state_dict(), lambda x: siglip(x).pooler_output, [2, 3, 24, 24])

openai = fill(open_clip.transformer.VisionTransformer(image_size=24, patch_size=8, width=12, layers=2, heads=3, mlp_ratio=4, output_dim=5, act_layer=open_clip.transformer.QuickGELU))
state = {"visual." + k: v for k, v in openai.state_dict().items()}
state.update({"transformer.resblocks.0.ln_1.weight": torch.ones(7), "logit_scale": torch.tensor(1.0)})  # as the side of texts has it
openai.proj = None
case("CLIP of OpenAI", "openai_clip.pth", state, lambda x: openai(x), [2, 3, 24, 24])

tv = fill(torchvision.models.VisionTransformer(image_size=24, patch_size=8, num_layers=2, num_heads=3, hidden_dim=12, mlp_dim=48, num_classes=3))
state = dict(tv.state_dict())
tv.heads = nn.Identity()
case("ViT of torchvision", "tv_vit.pth", state, lambda x: tv(x), [2, 3, 24, 24])
cn = fill(convnext.ConvNeXt([convnext.CNBlockConfig(4, 6, 1), convnext.CNBlockConfig(6, None, 2)], num_classes=3))
case("ConvNeXt of torchvision", "tv_convnext.pth", cn.state_dict(), lambda x: cn.classifier[:2](cn.avgpool(cn.features(x))), [2, 3, 32, 32])
setting, last = efficientnet._efficientnet_conf("efficientnet_b0", width_mult=0.1, depth_mult=0.3)
en = fill(efficientnet.EfficientNet(setting, 0.2, num_classes=3, last_channel=last))
case("EfficientNet of torchvision", "tv_efficientnet.pth", {k: v.bfloat16() if v.is_floating_point() else v for k, v in en.state_dict().items()},
     lambda x: en.bfloat16().float().avgpool(en.features(x)).flatten(1), [2, 3, 32, 32])

import timm.models.efficientnet as timm_efficientnet
tf = fill(timm_efficientnet._gen_efficientnet("tf_efficientnet_b0", channel_multiplier=0.1, depth_multiplier=1, num_classes=3, pad_type="same", bn_eps=1e-3))


def flat_names(state):
    """By the names of EfficientNet-PyTorch, which numbers blocks through all stages."""
    first = dict(conv_dw="_depthwise_conv", bn1="_bn1", conv_pw="_project_conv", bn2="_bn2")
    later = dict(conv_pw="_expand_conv", bn1="_bn0", conv_dw="_depthwise_conv", bn2="_bn1", conv_pwl="_project_conv", bn3="_bn2")
    outside = dict(conv_stem="_conv_stem", bn1="_bn0", conv_head="_conv_head", bn2="_bn1", classifier="_fc")
    depths, out = [1, 2, 2, 3, 3, 4, 1], {}
    for k, v in state.items():
        p = k.split(".")
        if p[0] != "blocks":
            out[".".join([outside[p[0]], *p[1:]])] = v
            continue
        layer = {"conv_reduce": "_se_reduce", "conv_expand": "_se_expand"}[p[4]] if p[3] == "se" else (first if p[1] == "0" else later)[p[3]]
        out[f"_blocks.{sum(depths[:int(p[1])]) + int(p[2])}.{layer}.{p[-1]}"] = v
    return out


case("EfficientNet of EfficientNet-PyTorch", "flat_efficientnet.pth", {k: v.half() if v.is_floating_point() else v for k, v in flat_names(tf.state_dict()).items()},
     lambda x: tf.half().float().forward_head(tf.forward_features(x), pre_logits=True), [2, 3, 30, 32])

tm = fill(VisionTransformer(img_size=40, patch_size=8, embed_dim=12, depth=2, num_heads=3, num_classes=3))
state = {"epoch": 3, "model": {"module." + k: v for k, v in tm.state_dict().items()}, "model_ema": {"module." + k: v for k, v in tm.state_dict().items()}}
less = VisionTransformer(img_size=(24, 16), patch_size=8, embed_dim=12, depth=2, num_heads=3, num_classes=0).eval()
less.load_state_dict({k: resample_abs_pos_embed(v, (3, 2), (5, 5)) if k == "pos_embed" else v for k, v in tm.state_dict().items() if not k.startswith("head.")})
case("ViT of timm in a checkpoint, fewer patches", "timm_vit.pth", state, lambda x: less(x), [2, 3, 24, 16])
fb = fill(VisionTransformer(img_size=24, patch_size=8, embed_dim=12, depth=2, num_heads=3, num_classes=0, init_values=1e-5, reg_tokens=2, no_embed_class=True))
state = {k.replace("reg_token", "register_tokens"): v.clone() for k, v in fb.state_dict().items()}
own = drawn("own position", (1, 1, 12)).float()  # as in DINOv2's files, where timm adds it to the class token when it converts them
state["cls_token"] -= own
state["pos_embed"], state["mask_token"] = torch.cat([own, state["pos_embed"]], 1), torch.zeros(1, 12)
case("DINOv2 with registers of its authors", "dinov2_registers.pth", state, lambda x: fb(x), [2, 3, 24, 24])
rn = fill(TinyResNet(Bottleneck, (1, 1, 1, 1), (4, 6, 8, 8)))
case("ResNet of torchvision for grey pictures", "tv_resnet.pth", {"module." + k: v for k, v in rn.state_dict().items()}, lambda x: rn(x.expand(-1, 3, -1, -1)), [2, 1, 48, 48])

names = {}
for n in ("mobilenet_v3_large", "mobilenet_v3_small"):
    names[n] = {k: list(v.shape) for k, v in getattr(torchvision.models, n)().state_dict().items() if not k.endswith("num_batches_tracked")}

grids = []
for antialias in (True, False):
    for size in ((5, 5), (16, 16), (37, 37), (9, 12), (50, 41)):
        v = torch.from_numpy(uniform("grid", 37 * 37)).reshape(1, 1, 37, 37)
        out = nn.functional.interpolate(v, size=size, mode="bicubic", antialias=antialias, align_corners=False)
        grids.append(dict(antialias=antialias, size=size, values=[float(f"{x:.8g}") for x in out.flatten().tolist()][::7]))

with open(os.path.join(DIR, "expected.json"), "w") as f:
    json.dump(dict(script="nets/testdata/pretrained.py", python=sys.version.split()[0], torch=torch.__version__, torchvision=torchvision.__version__, timm=timm.__version__,
                   transformers=transformers.__version__, open_clip=open_clip.__version__, cases=cases, names=names, grids=grids), f, separators=(",", ":"))
