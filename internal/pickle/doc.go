// Package pickle reads the pickles of Python as data. A pickle is a program for a stack machine that may
// call any function by its name; here a call is a value like others, which says what would have been
// called, and nothing is ever called. The few constructors that a reader knows, it applies itself (see
// Decoder).
//
// Lib/pickletools.py of CPython describes the opcodes; those of protocols 2 to 5 are read. Memory is taken
// in proportion to the bytes that were read.
package pickle
