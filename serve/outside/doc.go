// Package outside tests package serve against what others have written: its page in a browser, its description by a validator of
// OpenAPI, its figures by Prometheus' own parser. It is a module of its own, so that these are no dependencies of Medusa.
package outside
