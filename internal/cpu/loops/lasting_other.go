//go:build !linux

package loops

// adviseLargePages does nothing: the other systems choose their pages themselves.
func adviseLargePages([]byte) {}
