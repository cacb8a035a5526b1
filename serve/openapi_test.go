package serve

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// described is what of the description the tests compare.
type described struct {
	Paths map[string]map[string]struct {
		OperationID string `json:"operationId"`
		Parameters  []struct{ Name, In string }
		RequestBody *struct {
			Content map[string]struct{ Schema json.RawMessage }
		} `json:"requestBody"`
		Responses map[string]json.RawMessage
	}
	Components struct {
		Schemas map[string]struct {
			Properties map[string]struct {
				Type string
				Enum []string
			}
			Required []string
		}
	}
}

func description(t *testing.T) (d described) {
	t.Helper()
	require.NoError(t, json.Unmarshal(openapi, &d))
	return d
}

// Each route is described, and nothing else is.
func TestDescriptionHasTheRoutes(t *testing.T) {
	var got, want []string
	for path, methods := range description(t).Paths {
		for method := range methods {
			got = append(got, strings.ToUpper(method)+" "+path)
		}
	}
	for _, r := range routes {
		want = append(want, r.pattern)
	}
	require.ElementsMatch(t, want, got)
}

// Each request and answer has the fields that are described, with those types, and required are those that never are
// left out.
func TestDescriptionHasTheFields(t *testing.T) {
	schemas := description(t).Components.Schemas
	types := map[string]any{
		"embedRequest": embedRequest{}, "embedAnswer": embedAnswer{}, "searchRequest": searchRequest{}, "searchAnswer": searchAnswer{}, "searchResult": searchResult{},
		"hit": hit{}, "decision": decision{}, "verifyRequest": verifyRequest{}, "verifyAnswer": verifyAnswer{}, "enrolRequest": enrolRequest{}, "enrolAnswer": enrolAnswer{},
		"itemAnswer": itemAnswer{}, "wholeItem": wholeItem{}, "labelsAnswer": labelsAnswer{}, "labelCount": labelCount{}, "infoAnswer": infoAnswer{}, "modelInfo": modelInfo{},
		"galleryInfo": galleryInfo{}, "thresholdFAR": thresholdFAR{}, "limitsInfo": limitsInfo{}, "problem": problem{},
	}
	require.Len(t, schemas, len(types))
	for name, value := range types {
		fields := fieldsOf(reflect.TypeOf(value))
		schema, ok := schemas[name]
		require.True(t, ok, name)
		for field, of := range fields {
			p, ok := schema.Properties[field]
			assert.True(t, ok, "%s.%s is not described", name, field)
			assert.Equal(t, of.kind, p.Type, "%s.%s", name, field)
			if !strings.HasSuffix(name, "Request") {
				assert.Equal(t, !of.optional, slices.Contains(schema.Required, field), "%s.%s: required", name, field)
			}
		}
		for field := range schema.Properties {
			assert.Contains(t, fields, field, "%s.%s is described, and not there", name, field)
		}
	}
}

type jsonField struct {
	kind     string // empty for a reference
	optional bool
}

func fieldsOf(t reflect.Type) map[string]jsonField {
	out := map[string]jsonField{}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			for name, of := range fieldsOf(f.Type) {
				out[name] = of
			}
			continue
		}
		name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
		out[name] = jsonField{kindOf(f.Type), rest == "omitempty"}
	}
	return out
}

func kindOf(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[itemID]():
		return "string"
	case t.Kind() == reflect.Pointer:
		return kindOf(t.Elem())
	}
	return map[reflect.Kind]string{reflect.String: "string", reflect.Bool: "boolean", reflect.Int: "integer", reflect.Int64: "integer", reflect.Float64: "number",
		reflect.Slice: "array", reflect.Map: "object"}[t.Kind()]
}

// Parameters of a query are the fields of the request.
func TestDescriptionHasTheParameters(t *testing.T) {
	d := description(t)
	for path, into := range map[string]any{"/v1/embed": &embedRequest{}, "/v1/search": &searchRequest{}, "/v1/verify": &verifyRequest{}, "/v1/items": &enrolRequest{}} {
		var got []string
		for _, p := range d.Paths[path]["post"].Parameters {
			got = append(got, p.Name)
		}
		want := slices.DeleteFunc(parameterNames(into), func(name string) bool { return name == "pictures" || name == "vectors" })
		require.ElementsMatch(t, want, got, path)
	}
}

// The codes of problems are those of the source.
func TestDescriptionHasTheCodes(t *testing.T) {
	source, err := os.ReadFile("problem.go")
	require.NoError(t, err)
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^\tcode\w+ += "(\w+)"`).FindAllSubmatch(source, -1) {
		want = append(want, string(m[1]))
	}
	require.Greater(t, len(want), 15)
	require.ElementsMatch(t, want, description(t).Components.Schemas["problem"].Properties["code"].Enum)
}
