//go:build !race

package datasets_test

import (
	"fmt"
	"log"

	"medusa/datasets"
)

func ExampleOmniglot() {
	split, err := datasets.Omniglot(datasets.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("train", split.Train.NumClasses(), "classes, test", split.Test.NumClasses(), "classes")
	fmt.Println("shared:", datasets.SharedClasses(split.Train, split.Test))
	fmt.Println(split.Test.Path(0))
	// Output:
	// train 393 classes, test 168 classes
	// shared: []
	// omniglot/test/Angelic/character01/01
}
