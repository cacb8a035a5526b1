package miners

import "medusa/internal/catalog"

var registry = catalog.New[Miner]("miners", "a miner", "")

// Register adds a kind of miner to those that can be named in texts: prototype is a struct, or
// a pointer to one, whose exported fields are the parameters, with tags such as
//
//	Margin float64 `doc:"in units of distance" min:"0" max:"1e3"`
//
// and whose values are the defaults. The first line of doc says what it is. It is called at
// start, from init, and panics if the name is taken or the struct is not well-formed.
func Register(name, doc string, prototype Miner) { registry.Add(name, doc, prototype) }

// Names lists the kinds of miners, sorted.
func Names() []string { return registry.Names() }

// Parse makes a miner from text, such as batch-hard or triplet-margin(type=semi-hard).
func Parse(text string) (Miner, error) { return registry.Parse(text) }

// Default is the registered prototype of a kind of miner: miners.Default[miners.TripletMargin]().
// It panics if the type is not registered.
func Default[M Miner]() M { return catalog.Default[M](registry) }

// Help is a page that names all miners, each with a line of what it is, in lines of at most width
// characters.
func Help(width int) string { return registry.Help(width) }

// List is a page about all miners and their parameters with their defaults, for people and programs:
// the name of each stands alone at the start of a line, and all about it below, further in.
func List(width int) string { return registry.List(width) }
