package samplers

// docs are what is said of the samplers, guarded as they are.
var docs = map[string]string{
	"pk":                "P classes × K pictures of each, dealt from shuffled decks, so that every class and every picture comes up",
	"pk-independent":    "P×K, classes and pictures drawn anew for every batch, as most reference scripts do it",
	"pk-weighted":       "P×K, a class drawn in proportion to its size, or to a power of it",
	"pk-hard":           "P×K, half of the classes dealt, half those of hard negatives of the former",
	hierarchicalName:    "P classes × K pictures, the classes of few super-classes, such as sofas and lamps among products, every set of which comes up",
	tuplesToWeightsName: "a picture is the more likely, the more tuples a miner finds it in; a quarter of each batch is dealt of all",
	fixedTripletsName:   "triplets of a fixed set, in threes, for losses with miner=packaged: those of a file, or drawn once",
	"uniform":           "shuffled batches of all pictures",
	"views":             "shuffled batches of P pictures (64/K), each K times (2) in a row, for losses of augmented views",
}

// Doc is the line or lines about a sampler that Names lists; it may be empty.
func Doc(name string) string {
	registry.RLock()
	defer registry.RUnlock()
	return docs[name]
}
