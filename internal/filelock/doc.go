// Package filelock keeps other processes from using a file at the same time. Locks are
// advisory: they bind those who ask for them.
package filelock
