// Package nets holds the networks that turn pictures into embeddings. Config chooses a
// backbone by name, Build adds it to an expression graph:
//
//	pictures (B, C, H, W) → backbone → trunk (B, F) → linear layer → embeddings (B, E)
//
// with embeddings of length 1 unless Config says raw. The weights live in a
// graph.Params, which the training graph and the evaluation graph share. The backbone's names
// are those of torchvision's ResNet and of timm's other models behind a prefix (backbone.conv1.weight,
// backbone.layer1.0.bn1.running_mean), so that weights can be exchanged; the embedding's
// layer is embedding.fc. LoadWeights reads files of weights that others wrote.
//
// Backbones are mlp, cnn, and what others have trained: residual networks (ResNet), mobile ones
// (EfficientNet, MobileNetV3), ConvNeXt, vision transformers (ViT; also those of DINOv2, CLIP and
// SigLIP), and those for aligned faces (IResNet, MobileFaceNet). Names lists what Config.Backbone may
// be; other sizes of these types are given by value, as in cfg.With(nets.ViT{…}.Build). Register adds
// others.
//
// Of vision transformers and networks for faces the weights are of one size of pictures. LoadWeights
// fits the positions of a transformer to another size; a network for faces must be given the size
// that it was trained with.
//
// A backbone onnx:FILE, or onnx:FILE#TENSOR up to a tensor inside, is a model of ONNX with its weights, which
// trains as others do.
package nets
