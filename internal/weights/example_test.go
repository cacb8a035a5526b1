package weights_test

import (
	"fmt"

	"medusa/internal/weights"
)

// What a checkpoint of PyTorch's training holds.
func ExampleOpen() {
	f, err := weights.Open("testdata/checkpoint.pth")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	for _, t := range f.Tensors[:2] {
		v, err := t.Float32s()
		fmt.Println(t.Name, t.Dtype, t.Shape, len(v), err)
	}
	fmt.Println("epoch", f.Metadata["epoch"])
	fmt.Println("left out", f.LeftOut)
	// Output:
	// state_dict.module.0.weight F32 [2 1 3 3] 18 <nil>
	// state_dict.module.0.bias F32 [2] 2 <nil>
	// epoch 90
	// left out [args: an object of argparse.Namespace]
}
