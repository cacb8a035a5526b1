// Package npy reads the header of NumPy's array files (.npy), so that the array itself can
// be read or mapped into memory where it lies. The format is NumPy Enhancement Proposal 1.
package npy
