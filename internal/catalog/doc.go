// Package catalog is how everything that has a name in a text is named: losses, miners,
// distances, reducers, and whatever else comes in kinds with parameters. From one struct with
// tags and one prototype come defaults, ranges, choices, text, YAML, errors and help.
//
// # A family of kinds
//
// A package declares the registry of its interface where its variables are, and wraps it in
// functions of its own, so that another module can register kinds, and no public signature
// holds a type of this package:
//
//	package miners
//
//	type Miner interface { Mine(b pairs.Batch) pairs.Selection }
//
//	var kinds = catalog.New[Miner]("miners", "a miner", "")
//
//	// Register adds a kind of miner …
//	func Register(name, doc string, prototype Miner) { kinds.Add(name, doc, prototype) }
//
//	// Parse makes a miner from text …
//	func Parse(text string) (Miner, error) { return kinds.Parse(text) }
//
//	// Text is what Parse reads back as m …
//	func Text(m Miner) (string, error) { return kinds.Text(m) }
//
//	// Names lists the kinds, sorted.
//	func Names() []string { return kinds.Names() }
//
//	// Help is a page about all kinds …
//	func Help(width int) string { return kinds.Help(width) }
//
//	// Default is the prototype of a kind: miners.Default[miners.Angular]().
//	func Default[M Miner]() M { return catalog.Default[M](kinds) }
//
// # A kind
//
// A kind is a struct (or a pointer to one, where it has a state), one line that registers it,
// and nothing else. The prototype holds the defaults, and a literal means what it says: 0 is 0.
//
//	// Angular chooses …
//	type Angular struct {
//		Angle float64 `doc:"largest angle at the negative, in degrees" min:"0" max:"90"`
//	}
//
//	func init() {
//		Register("angular", "triplets whose negative has a large angle (Wang 2017)", Angular{Angle: 20})
//	}
//
// The name of a parameter is the field's in small letters with hyphens: NegMargin is neg-margin.
// The tags are
//
//	doc:"…"       one line, with the unit. A field without it is refused
//	name:"…"      another name; name:"-" is no parameter, such as what is set later
//	old:"a,b"     names that the parameter had in earlier versions
//	min, max      bounds of a number, included; max:"inf" lets infinity in
//	above, below  bounds, not included
//	choices:"a,b" what a text may be; or give its type a method Choices() []string
//	none:"…"      for a field of a registry's type: nil, typed none, is allowed and means this
//	unset:"…"     the zero value, which cannot be meant itself, stands for this
//
// Fields may be numbers, switches, texts, interfaces that have a registry, and lists and maps
// (by text) of these. The parameters of an embedded struct are the kind's own, and the help page
// tells them once for all kinds that embed it. A kind that has a method Validate() error is asked
// when it is made from text: for what fields must be together.
//
// # Text
//
//	triplet
//	triplet(margin=0.2, miner=angular(angle=20), distance=lp(p=1)) + 0.1*ce
//	multiple(of={pos: mean, neg: sum}, levels=[1, 2])
//	triplet:margin=0.2,mining=batch-hard+ce:weight=0.1     the first edition, outside of brackets
//
// and the same in YAML, where a text stands for itself at every place:
//
//	triplet: {margin: 0.2, miner: {angular: {angle: 20}}}
//
//	- triplet: {margin: 0.2}
//	- ce: {weight: 0.1}
//
// Sums are for families that say how: see Registry.Sums. A kind whose parameters were others in
// an earlier version gets an Upgrade, which rewrites old arguments as text:
//
//	kinds.Add("triplet", "…", Triplet{…}, catalog.Upgrade(func(args map[string]string) error {
//		if metric, ok := args["metric"]; ok {
//			delete(args, "metric")
//			args["distance"] = metric // "cosine", or "lp(p=1)"
//		}
//		return nil
//	}))
package catalog
