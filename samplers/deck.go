package samplers

import "math/rand/v2"

// deck deals its items over and over, shuffled anew each time through, so that every
// item comes up once in len(items) deals.
type deck struct {
	items []int32
	next  int // items[next:] are still to be dealt
}

// newDeck makes a deck of items that is shuffled at its first deal.
func newDeck(items []int32) deck { return deck{items: items, next: len(items)} }

// restart has the next deal begin with a fresh shuffle.
func (d *deck) restart() { d.next = len(d.items) }

// deal fills dst with distinct items, len(dst) ≤ len(items). Where the deck runs out
// within dst, the items that ended it are kept out of the beginning of the next one.
func (d *deck) deal(rng *rand.Rand, dst []int32) {
	n := copy(dst, d.items[d.next:])
	d.next += n
	if n == len(dst) {
		return
	}
	fresh := d.items[:len(d.items)-n] // the last n were just dealt
	shuffle(rng, fresh)
	d.next = copy(dst[n:], fresh)
	if n > 0 {
		shuffle(rng, d.items[d.next:])
	}
}

// pick fills dst with distinct items independently of what came before.
func (d *deck) pick(rng *rand.Rand, dst []int32) {
	for i := range dst {
		j := i + rng.IntN(len(d.items)-i)
		d.items[i], d.items[j] = d.items[j], d.items[i]
		dst[i] = d.items[i]
	}
}

// shuffle permutes items, every order being equally probable.
func shuffle(rng *rand.Rand, items []int32) {
	for i := len(items) - 1; i > 0; i-- {
		j := rng.IntN(i + 1)
		items[i], items[j] = items[j], items[i]
	}
}
