// Package nets holds the networks that turn pictures into embeddings. Config chooses a
// backbone by name, Build adds it to an expression graph:
//
//	pictures (B, C, H, W) → backbone → trunk (B, F) → linear layer → embeddings (B, E)
//
// with embeddings of length 1 unless Config says raw. The weights live in a
// graph.Params, which the training graph and the evaluation graph share. The backbone's names
// are those of torchvision's models behind a prefix (backbone.conv1.weight,
// backbone.layer1.0.bn1.running_mean), so that weights can be exchanged; the embedding's
// layer is embedding.fc.
//
// Backbones: mlp, cnn, resnet18, resnet34, resnet50, resnet101, and what Register adds.
package nets
