package pickle

import "fmt"

// A value is nil, a bool, an int64, a *big.Int beyond that, a float64, a string, []byte, or one of the types
// below. Sets are Lists.

// Tuple is a tuple.
type Tuple []any

// List is a list or a set; one that stands in several places is one pointer.
type List struct{ Items []any }

// Dict is a dictionary, in the order in which it was filled.
type Dict struct{ Items []Item }

// Item is an entry of a dictionary.
type Item struct{ Key, Value any }

// Lookup finds the value of a text key.
func (d *Dict) Lookup(key string) (any, bool) {
	for _, item := range d.Items {
		if item.Key == key {
			return item.Value, true
		}
	}
	return nil, false
}

// Global is a class or a function by its name.
type Global struct{ Module, Name string }

// String is the name as Python writes it.
func (g Global) String() string {
	if g.Module == "" || g.Module == "builtins" || g.Module == "__builtin__" {
		return g.Name
	}
	return g.Module + "." + g.Name
}

// Object is what a call would have made that nobody here makes. What it would have been filled with is
// dropped.
type Object struct {
	Callable any // nearly always a Global
	Args     any // nearly always a Tuple
}

// String says what would have been called.
func (o *Object) String() string { return fmt.Sprint(o.Callable) }
