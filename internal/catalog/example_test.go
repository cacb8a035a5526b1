package catalog_test

import (
	"fmt"

	"medusa/internal/catalog"
)

// A Miner stands for what a package offers in kinds.
type Miner interface{ Mine() string }

var kinds = catalog.New[Miner]("miners", "a miner", "A miner is name(parameter=value, …).")

// Register is all that another module needs: no type of the catalog is in its signature.
func Register(name, doc string, prototype Miner) { kinds.Add(name, doc, prototype) }

// Angular is a kind: fields with tags.
type Angular struct {
	Angle float64 `doc:"largest angle at the negative, in degrees" min:"0" max:"90"`
}

// Mine returns a word.
func (Angular) Mine() string { return "by angle" }

func init() { Register("angular", "triplets whose negative has a large angle", Angular{Angle: 20}) }

func Example() {
	m, err := kinds.Parse("angular(angle=30)")
	fmt.Println(m, err)
	_, err = kinds.Parse("angular(angl=30)")
	fmt.Println(err)
	text, err := kinds.FullText(catalog.Default[Angular](kinds))
	fmt.Println(text, err)
	fmt.Print(kinds.Help(80))
	fmt.Print(kinds.List(80))
	// Output:
	// {30} <nil>
	// miners: angular has no parameter "angl" (did you mean "angle"?); it has angle (column 9)
	// angular(angle=20) <nil>
	// A miner is name(parameter=value, …).
	//
	// angular  triplets whose negative has a large angle
	// angular
	//   triplets whose negative has a large angle
	//     angle=20               largest angle at the negative, in degrees (0 to 90)
}
