// Package golden reads files of golden vectors: values and gradients that a reference
// implementation recorded, against which tests compare ours.
//
// A file is {"family", "meta", "inputs": {case: …}, "records": [ … ]}. A test goes
// through all records with [File.Each]; a record that the test cannot map fails, unless
// it stands in a list of skips with its reason. The environment variable GOLDEN_DIR
// names a folder with files of the same names and format but other cases, which are
// then read instead of those in testdata/.
package golden
