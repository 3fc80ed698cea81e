package provider_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"kube-apiserver-havip/toolchain/command/provider"
)

// sdk is what the SDK of the reproduced release says; testdata/sdk.py writes it anew.
type sdk struct {
	Resources map[string]struct {
		Inputs   sdkFields
		Outputs  []string
		Secrets  []string
		Replaces []string
	}
	Types     map[string]sdkFields
	Enums     map[string][]any
	Functions map[string]struct{ Inputs, Outputs []string }
}

type sdkFields struct {
	Names, Required []string
	Defaults        map[string]any
}

func load(t *testing.T) (sdk, schema.PackageSpec) {
	t.Helper()
	text, err := os.ReadFile("testdata/sdk.json")
	require.NoError(t, err)
	var expected sdk
	require.NoError(t, json.Unmarshal(text, &expected))
	spec, err := p.GetSchema(t.Context(), provider.Name, provider.Version, provider.New())
	require.NoError(t, err)
	// Through JSON and back, so that numbers have the same Go type on both sides.
	text, err = json.Marshal(spec)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &spec))
	return expected, spec
}

func names[T any](properties map[string]T) []string { return slices.Sorted(maps.Keys(properties)) }

func sorted(values []string) []string { return slices.Sorted(slices.Values(values)) }

func marked(properties map[string]schema.PropertySpec, mark func(schema.PropertySpec) bool) []string {
	found := []string{}
	for _, name := range names(properties) {
		if mark(properties[name]) {
			found = append(found, name)
		}
	}
	return found
}

func assertFields(t *testing.T, expected sdkFields, properties map[string]schema.PropertySpec, required []string) {
	t.Helper()
	assert.Equal(t, expected.Names, names(properties))
	assert.ElementsMatch(t, expected.Required, required)
	defaults := map[string]any{}
	for name, property := range properties {
		if property.Default != nil {
			defaults[name] = property.Default
		}
	}
	assert.Equal(t, expected.Defaults, defaults)
}

func TestSchemaIsTheSDKs(t *testing.T) {
	expected, spec := load(t)
	assert.Equal(t, names(expected.Resources), names(spec.Resources))
	for token, resource := range expected.Resources {
		t.Run(token, func(t *testing.T) {
			actual := spec.Resources[token]
			assertFields(t, resource.Inputs, actual.InputProperties, actual.RequiredInputs)
			assert.Equal(t, resource.Outputs, names(actual.Properties))
			secret := func(property schema.PropertySpec) bool { return property.Secret }
			assert.Equal(t, resource.Secrets, marked(actual.Properties, secret))
			replaces := func(property schema.PropertySpec) bool { return property.ReplaceOnChanges }
			assert.Equal(t, resource.Replaces, marked(actual.InputProperties, replaces))
		})
	}
	assert.Equal(t, names(expected.Functions), names(spec.Functions))
	for token, function := range expected.Functions {
		assert.Equal(t, function.Inputs, names(spec.Functions[token].Inputs.Properties), token)
		assert.Equal(t, function.Outputs, names(spec.Functions[token].ReturnType.ObjectTypeSpec.Properties), token)
	}
}

func TestTypesAreTheSDKs(t *testing.T) {
	expected, spec := load(t)
	assert.Equal(t, sorted(append(names(expected.Types), names(expected.Enums)...)), names(spec.Types))
	for token, fields := range expected.Types {
		t.Run(token, func(t *testing.T) {
			assertFields(t, fields, spec.Types[token].Properties, spec.Types[token].Required)
		})
	}
	for token, values := range expected.Enums {
		actual := []any{}
		for _, value := range spec.Types[token].Enum {
			actual = append(actual, value.Value)
		}
		assert.Equal(t, values, actual, token)
	}
}
