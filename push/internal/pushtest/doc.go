// Package pushtest checks that a store keeps the rules of push.Store: it is the one battery of tests of all
// databases, and compares what they find with package index.
package pushtest
