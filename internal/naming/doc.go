// Package naming checks what the code calls things: that words which once meant several things
// do not come back, and that docs name what they are about. It holds a test only.
package naming
