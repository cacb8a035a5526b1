package datasets

import (
	"math"
	"sync"

	"github.com/pkg/errors"
)

// Normalisation maps a stored value v in 0 … 255 of channel c to (v/255 − Mean[c]) / Std[c].
// The zero value is no normalisation: values on [0, 1].
type Normalisation struct {
	Mean []float32 `json:"mean,omitempty" yaml:"mean,omitempty"` // on [0, 1], one a channel
	Std  []float32 `json:"std,omitempty" yaml:"std,omitempty"`   // on [0, 1], above 0, one a channel
}

// Validate checks n against a number of channels.
func (n Normalisation) Validate(channels int) error {
	if len(n.Mean) == 0 && len(n.Std) == 0 {
		return nil
	}
	if len(n.Mean) != channels || len(n.Std) != channels {
		return errors.Errorf("datasets: normalisation has %d means and %d deviations for pictures of %d channels; give one a channel, or compute it from the data", len(n.Mean), len(n.Std), channels)
	}
	for c := range n.Mean {
		if m := float64(n.Mean[c]); math.IsNaN(m) || math.IsInf(m, 0) {
			return errors.Errorf("datasets: normalisation mean of channel %d is %v", c, m)
		}
		if s := float64(n.Std[c]); !(s > 0) || math.IsInf(s, 0) {
			return errors.Errorf("datasets: normalisation deviation of channel %d is %v, want above 0", c, s)
		}
	}
	return nil
}

// ComputeNormalisation returns mean and (population) standard deviation of each
// channel over every pixel of d. They are exact up to the last rounding: the sums are
// taken over counts of the 256 values. A channel of one value gets deviation 1.
func (d *Dataset) ComputeNormalisation() (Normalisation, error) {
	if d.Len() == 0 {
		return Normalisation{}, errors.New("datasets: normalisation of an empty set")
	}
	if v := d.store.vectors; v != nil {
		return v.moments(d.rows, d.store.told)
	}
	var mu sync.Mutex
	counts := make([][256]int64, d.store.channels)
	told := newTally(d.Len(), d.store.told)
	err := inParallel(d.Len(), d.store.bytes(), func(from, to int) error {
		own := make([][256]int64, d.store.channels)
		scratch := d.store.scratch()
		plane := d.store.height * d.store.width
		for i := from; i < to; i++ {
			told.add(1)
			pixels, err := d.store.get(int(d.rows[i]), scratch)
			if err != nil {
				return err
			}
			for c := range own {
				countValues(&own[c], pixels[c*plane:(c+1)*plane])
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for c := range own {
			for v, n := range own[c] {
				counts[c][v] += n
			}
		}
		return nil
	})
	if err != nil {
		return Normalisation{}, err
	}
	var n Normalisation
	for c := range counts {
		mean, std := momentsOf(&counts[c])
		n.Mean, n.Std = append(n.Mean, float32(mean)), append(n.Std, float32(std))
	}
	return n, nil
}

func countValues(counts *[256]int64, pixels []byte) {
	for _, v := range pixels {
		counts[v]++
	}
}

// momentsOf returns mean and deviation, on [0, 1], of values counted.
func momentsOf(counts *[256]int64) (mean, std float64) {
	var n, sum int64
	for v, k := range counts {
		n += k
		sum += int64(v) * k
	}
	mean = float64(sum) / float64(n)
	var squares float64
	for v, k := range counts {
		squares += float64(k) * (float64(v) - mean) * (float64(v) - mean)
	}
	std = math.Sqrt(squares/float64(n)) / 255
	if std == 0 {
		std = 1
	}
	return mean / 255, std
}

// Tables returns for each channel what each stored value becomes.
func (n Normalisation) Tables(channels int) [][256]float32 {
	tables := make([][256]float32, channels)
	for c := range tables {
		mean, std := float32(0), float32(1)
		if len(n.Mean) > 0 {
			mean, std = n.Mean[c], n.Std[c]
		}
		for v := range tables[c] {
			tables[c][v] = (float32(v)/255 - mean) / std
		}
	}
	return tables
}
