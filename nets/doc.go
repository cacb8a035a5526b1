// Package nets holds the networks that turn pictures into embeddings. Config chooses a
// backbone by name, Build adds it to an expression graph:
//
//	pictures (B, C, H, W) → backbone → trunk (B, F) → linear layer → embeddings (B, E)
//
// with embeddings of length 1 unless Config says raw. The weights live in a
// graph.Params, which the training graph and the evaluation graph share. Their names are
// those of torchvision's models (conv1.weight, layer1.0.bn1.running_mean, fc.weight),
// so that weights can be exchanged.
//
// Backbones: mlp, cnn, resnet18, resnet34, and what Register adds.
package nets
