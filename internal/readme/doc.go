// Package readme holds a test that README's programs compile and that its links lead
// somewhere.
package readme
