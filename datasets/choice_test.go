package datasets_test

import (
	"fmt"
	"log"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/datasets"
	"medusa/internal/field"
	"medusa/internal/samplesets"
)

// Two alphabets of the embedded drawings, of which a tenth is set aside to choose the weights by.
func ExampleChoose() {
	chosen, err := datasets.Choose("", datasets.Choice{TrainClasses: "Armenian/*, Bengali/*", Test: "none", Seed: 1}, datasets.Options{Height: 14})
	if err != nil {
		log.Fatal(err)
	}
	defer chosen.Close()
	fmt.Println(chosen.Train.NumClasses(), "classes are learned,", chosen.Val.NumClasses(), "choose the weights, since Val came to", chosen.Unasked.Value)
	fmt.Println(datasets.SharedClasses(chosen.Train, chosen.Val))
	// Output:
	// 78 classes are learned, 9 choose the weights, since Val came to 0.1
	// []
}

func photos(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, samplesets.Photos(dir))
	return dir
}

func TestChoose(t *testing.T) {
	dir := photos(t) // four classes of three pictures
	for name, c := range map[string]struct {
		choice           datasets.Choice
		train, val, test int // classes
		unasked          string
	}{
		"nothing is said":   {datasets.Choice{}, 4, 0, 0, "none"},
		"lists":             {datasets.Choice{TrainClasses: "class[01]", TestClasses: "class2,class3"}, 2, 0, 2, "none"},
		"a list of tests":   {datasets.Choice{TestClasses: "class3"}, 3, 0, 1, "none"},
		"shares":            {datasets.Choice{Val: "0.5", Test: "none"}, 2, 2, 0, ""},
		"turned":            {datasets.Choice{Val: "0.5", TurnedClasses: true}, 8, 2, 0, ""},
		"another place":     {datasets.Choice{Val: photos(t), TrainClasses: "class0", Copies: datasets.IgnoreCopies}, 1, 4, 0, ""},
		"counted as before": {datasets.Choice{Uncounted: true}, 4, 0, 0, "none"},
	} {
		t.Run(name, func(t *testing.T) {
			chosen, err := datasets.Choose(dir, c.choice, datasets.Options{Height: 8, Width: 8})
			require.NoError(t, err)
			defer chosen.Close()
			require.Equal(t, c.train, chosen.Train.NumClasses())
			for _, part := range []struct {
				set  *datasets.Dataset
				want int
			}{{chosen.Val, c.val}, {chosen.Test, c.test}} {
				require.Equal(t, part.want > 0, part.set != nil)
				if part.set != nil {
					require.Equal(t, part.want, part.set.NumClasses())
				}
			}
			if c.unasked == "" {
				require.Nil(t, chosen.Unasked)
				return
			}
			require.Equal(t, c.unasked, chosen.Unasked.Value)
			require.Contains(t, chosen.Unasked.Reason, "too few to set some aside")
		})
	}
}

// Errors name the field of the Choice that they are about, and the owner of a Choice can name
// its own.
func TestChooseErrors(t *testing.T) {
	dir := photos(t)
	for _, c := range []struct {
		choice datasets.Choice
		want   string
	}{
		{datasets.Choice{TrainClasses: "x*"}, `datasets: TrainClasses: no class is called "x*"; the 4 classes are class0, class1, class2, class3`},
		{datasets.Choice{TrainClasses: "class0", TestClasses: "class0"}, `datasets: the class "class0" is named by TrainClasses and by TestClasses; want it in one of them`},
		{datasets.Choice{TestClasses: "class[0-2]"}, "datasets: 1 classes are left to learn, want at least 2: name fewer in TestClasses"},
		{datasets.Choice{Test: filepath.Join(dir, "gone")}, "datasets: Test: "},
		{datasets.Choice{Val: "0.5", TrainClasses: "class0,class1"}, "datasets: Val: cutting 0.5 of the classes: "},
		{datasets.Choice{Val: photos(t)}, "datasets: 12 of 12 validation pictures are also learned, such as "},
		{datasets.Choice{Normalise: "given", Mean: []float32{1}, Std: []float32{1, 1, 1}}, "datasets: Mean and Std: "},
	} {
		_, err := datasets.Choose(dir, c.choice, datasets.Options{Height: 8, Width: 8})
		require.ErrorContains(t, err, c.want)
		var about *field.Error
		require.ErrorAs(t, field.UnderAll(err, "trainer", "Data"), &about)
		require.Contains(t, about.Error(), "trainer: ")
		require.Contains(t, about.Error(), "Data.")
	}
}
