package provider_test

import (
	"testing"

	"github.com/blang/semver"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/integration"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"github.com/stretchr/testify/require"

	"kube-apiserver-havip/toolchain/command/provider"
	"kube-apiserver-havip/toolchain/command/sshtest"
)

const (
	localCommand  = "command:local:Command"
	remoteCommand = "command:remote:Command"
	copyToRemote  = "command:remote:CopyToRemote"
	copyFile      = "command:remote:CopyFile"
)

// lab is one provider and one resource in it, taken through its life as the engine does.
type lab struct {
	integration.Server
	t   *testing.T
	urn resource.URN
}

func newLab(t *testing.T, token string) lab {
	t.Helper()
	server, err := integration.NewServer(
		t.Context(), provider.Name, semver.MustParse(provider.Version), integration.WithProvider(provider.New()),
	)
	require.NoError(t, err)
	return lab{server, t, resource.NewURN("stack", "project", "", tokens.Type(token), "name")}
}

// values makes a property map; anything that is not a property already goes through property.New.
func values(fields map[string]any) property.Map {
	made := map[string]property.Value{}
	for name, field := range fields {
		made[name] = value(field)
	}
	return property.NewMap(made)
}

func value(field any) property.Value {
	switch field := field.(type) {
	case property.Value:
		return field
	case property.Map:
		return property.New(field)
	case map[string]any:
		return property.New(values(field))
	case []any:
		elements := []property.Value{}
		for _, element := range field {
			elements = append(elements, value(element))
		}
		return property.New(elements)
	case string:
		return property.New(field)
	case bool:
		return property.New(field)
	case int:
		return property.New(float64(field))
	}
	panic(field)
}

// connection returns inputs that reach server, dialling once only.
func connection(server *sshtest.Server, more map[string]any) map[string]any {
	fields := map[string]any{"host": server.Host(), "port": server.Port(), "dialErrorLimit": 0}
	for name, field := range more {
		fields[name] = field
	}
	return fields
}

func (l lab) check(fields map[string]any) property.Map {
	l.t.Helper()
	response, err := l.Check(p.CheckRequest{Urn: l.urn, Inputs: values(fields)})
	require.NoError(l.t, err)
	require.Empty(l.t, response.Failures)
	return response.Inputs
}

func (l lab) create(fields map[string]any) (p.CreateResponse, error) {
	l.t.Helper()
	return l.Create(p.CreateRequest{Urn: l.urn, Properties: l.check(fields)})
}

func (l lab) created(fields map[string]any) p.CreateResponse {
	l.t.Helper()
	response, err := l.create(fields)
	require.NoError(l.t, err)
	return response
}

func (l lab) update(state p.CreateResponse, fields map[string]any) (property.Map, error) {
	l.t.Helper()
	response, err := l.Update(p.UpdateRequest{
		ID: state.ID, Urn: l.urn, State: state.Properties, Inputs: l.check(fields),
	})
	return response.Properties, err
}

func text(t *testing.T, state property.Map, name string) string {
	t.Helper()
	found := state.Get(name)
	require.True(t, found.IsString(), "%s is %v", name, found)
	return found.AsString()
}
