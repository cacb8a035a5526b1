package nets_test

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/nets"
)

// A training graph and an evaluation graph share one set of parameters.
func ExampleBuild() {
	params := graph.NewParams(1)
	cfg := nets.Config{Backbone: "resnet18", Embedding: 32}
	for mode, batch := range map[nets.Mode]int{nets.Train: 16, nets.Eval: 50} {
		g := gorgonia.NewGraph()
		pictures := gorgonia.NewTensor(g, tensor.Float32, 4, gorgonia.WithShape(batch, 3, 32, 32), gorgonia.WithName("pictures"))
		net, err := nets.Build(cfg, params, pictures, mode)
		if err != nil {
			fmt.Println(err)
			return
		}
		if mode == nets.Train {
			fmt.Println(net.Trunk.Shape(), net.Embedding.Shape())
		}
	}
	fmt.Println(params.All()[0].Name, params.Lookup("backbone.layer1.0.bn1.running_mean").Value.Shape())
	// Output:
	// (16, 512) (16, 32)
	// backbone.conv1.weight (64)
}

func ExampleSummary() {
	s, err := nets.Summary(nets.Config{Norm: "none"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(s)
	// Output:
	// layer  kind          output  parameters     MACs
	// conv1  conv        32×28×28         320  225.8 k
	// conv2  conv        64×14×14       18496   3.61 M
	// conv3  conv         128×7×7       73856   3.61 M
	// head   avg pool         128           0        0
	// fc     linear            64        8256    8.2 k
	// all                      64      100928   7.46 M
}

// A backbone of one's own takes part in everything that Config chooses.
func ExampleRegister() {
	nets.Register("strided", func(cfg nets.Config, p *graph.Params, x graph.Expr, mode nets.Mode) (graph.Expr, error) {
		l := nets.NewLayers(cfg, p, mode)
		x = l.Activate(l.ConvNorm("conv1", "bn1", x, 16, nets.Window{Size: 5, Stride: 2, Pad: 2}))
		x = l.Activate(l.ConvNorm("conv2", "bn2", x, 32, nets.Window{Size: 3, Stride: 2, Pad: 1}))
		return l.Head(x), nil
	})
	size, err := nets.Config{Backbone: "strided"}.TrunkSize()
	fmt.Println(size, err)
	// Output: 32 <nil>
}

// A backbone begins with the weights of a checkpoint of PyTorch, here of a small vision transformer.
func ExampleLoadWeights() {
	vit := nets.ViT{Patch: 8, Width: 12, Depth: 2, Heads: 3}
	cfg := nets.Config{InChannels: 3, Height: 24, Width: 24, Embedding: 8}.With(vit.Build)
	params := graph.NewParams(1)
	report, err := nets.LoadWeights("testdata/pretrained/tv_vit.pth", cfg, params)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(report.Loaded), report.Names, report.LeftOut, report.New)
	// Output: 30 torchvision's ViT [heads.head.weight heads.head.bias] [embedding.fc.weight embedding.fc.bias]
}

// What a file decides is known before a graph is built.
func ExampleInspectWeights() {
	vit := nets.ViT{Patch: 8, Width: 12, Depth: 2, Heads: 3}
	cfg, report, err := nets.InspectWeights("testdata/pretrained/tv_vit.pth", nets.Config{Height: 24, Width: 24}.With(vit.Build))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cfg.InChannels, report.Names)
	fmt.Println(report.Preparation)
	// Output:
	// 3 torchvision's ViT
	// the middle 224×224 of a short side of 256, bilinear, mean 0.485,0.456,0.406, deviation 0.229,0.224,0.225, as torchvision's ViT networks usually have them
}
