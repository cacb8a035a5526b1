// Package floors checks which package of the module may import which. It holds a test
// only; the rules stand in it.
package floors
