package trainer

import "math"

// spread is how the embeddings of a batch lie.
type spread struct {
	positive, negative float64 // mean Euclidean distance of pairs of one class, of two classes
	norm               float64 // mean length
}

// spreadOf computes the spread of embeddings (B, size) with classes y, in pairs i < j; the
// mean over no pairs is 0.
func spreadOf(x []float32, size int, y []int) spread {
	var s spread
	var positives, negatives int
	for i := range y {
		a := x[i*size : (i+1)*size]
		s.norm += math.Sqrt(squares(a))
		for j := range i {
			d := distance(a, x[j*size:(j+1)*size])
			if y[i] == y[j] {
				s.positive += d
				positives++
			} else {
				s.negative += d
				negatives++
			}
		}
	}
	s.norm /= float64(max(len(y), 1))
	s.positive /= float64(max(positives, 1))
	s.negative /= float64(max(negatives, 1))
	return s
}

func squares(a []float32) float64 {
	sum := 0.0
	for _, v := range a {
		sum += float64(v) * float64(v)
	}
	return sum
}

func distance(a, b []float32) float64 {
	sum := 0.0
	for i, v := range a {
		d := float64(v) - float64(b[i])
		sum += d * d
	}
	return math.Sqrt(sum)
}
