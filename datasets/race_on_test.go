//go:build race

package datasets

// raceEnabled: the race detector makes unpacking all embedded drawings take minutes.
const raceEnabled = true
