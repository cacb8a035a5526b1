// Package gitattributes checks that .gitattributes says of each file what it is. It holds a test
// only.
package gitattributes
