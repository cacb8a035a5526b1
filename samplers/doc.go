// Package samplers chooses the samples of every training batch.
//
// A [Sampler] yields indices into a data set that it knows by its labels alone. Every
// batch is full, since a compiled graph has one batch size. The samplers built in:
//
//   - pk: P classes × K pictures of each, classes and pictures dealt from shuffled
//     decks, so that every class and every picture comes up. The default.
//   - pk-independent: P×K with classes and pictures drawn anew for every batch, as
//     most reference scripts do it.
//   - pk-weighted: P×K, a class being in a batch with a probability in proportion to
//     its size, or to a power of it.
//   - pk-hard: P×K, half of the classes dealt and half those of hard negatives of the
//     former, by the embeddings that a training loop shows it; see [Hard].
//   - uniform: shuffled batches of all pictures.
//   - views: shuffled batches of P pictures of all, each K times in a row, for losses that
//     take augmentations of one picture for alike.
//   - hierarchical: P×K, the classes of few super-classes; see [Hierarchical].
//   - fixed-triplets: triplets of a file, or drawn once, in threes; see [FixedTriplets].
//   - tuples-to-weights: a picture is the more likely, the more tuples a miner finds it in, by the
//     embeddings that a training loop shows it; see [TuplesToWeights].
//
// [New] makes one by name from a [Config], and [Of] one that knows more of pictures than labels: their
// names, their super-classes, miners. [Register] adds one from outside, and
// [NewPK] takes any [ClassDraw], the place for curricula and the like.
//
// An epoch of the P×K samplers is as many batches as hold the number of pictures of
// all usable classes, ⌈pictures/(P·K)⌉, and at least enough for every class to come up
// once, ⌈classes/P⌉ (pk-hard: ⌈classes/⌈P/2⌉⌉). An epoch of uniform is ⌈pictures/batch⌉ batches. With pk and
// uniform every epoch begins a fresh deck, so that each epoch shows every class (pk) or
// every picture (uniform) at least once, and no class or picture more than once above
// another. Decks of pictures within a class run on over the epochs.
//
// The same seed, labels and configuration give the same batches. State and Restore
// carry a sampler over a break, bit for bit.
package samplers
