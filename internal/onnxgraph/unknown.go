package onnxgraph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/onnx"
)

// attribute is the value of a node's attribute, nil if it has none of that name.
func attribute(n onnx.Node, name string) any {
	i := slices.IndexFunc(n.Attributes, func(a onnx.Attribute) bool { return a.Name == name })
	if i < 0 {
		return nil
	}
	return n.Attributes[i].Value
}

// isStandard reports whether a node's operator is one of ONNX itself.
func isStandard(n onnx.Node) bool { return n.Domain == "" || n.Domain == "ai.onnx" }

// refuseUnknown returns an error that lists the operators that are not known here.
func (n *Net) refuseUnknown(functions int) error {
	var unknown []string // in the order of their first nodes
	at := map[string][]string{}
	for _, node := range n.nodes {
		name := node.Op
		if !isStandard(node) {
			name = node.Domain + "." + node.Op
		}
		if isStandard(node) && (operators[node.Op].build != nil || node.Op == "Constant") {
			continue
		}
		if at[name] == nil {
			unknown = append(unknown, name)
		}
		at[name] = append(at[name], nodeName(node))
	}
	if len(unknown) == 0 {
		return nil
	}
	var list []string
	for _, name := range unknown {
		list = append(list, fmt.Sprintf("%s (%d, the first of them %s)", name, len(at[name]), at[name][0]))
	}
	way := "cut it before them, as onnx:FILE#TENSOR, or export it without them"
	switch {
	case slices.ContainsFunc(unknown, func(op string) bool { return op == "If" || op == "Loop" || op == "Scan" }):
		way = "what depends on conditions while it is run cannot be trained here: simplify it with onnxsim, which takes away conditions that are fixed, or export it by tracing"
	case functions > 0:
		way = "the file defines functions: inline them with onnx.inliner.inline_local_functions"
	}
	return errors.Errorf("it has operators that are not known here: %s; %s", strings.Join(list, ", "), way)
}
