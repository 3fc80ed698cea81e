// Package provider puts the resources together into one Pulumi provider.
package provider

import (
	"context"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/middleware/schema"

	"kube-apiserver-havip/toolchain/command/local"
	"kube-apiserver-havip/toolchain/command/remote"
)

const (
	// Name is the package name in every type token (command:remote:Command).
	Name = "command"
	// Version is the release whose behaviour is reproduced; the engine compares it with the SDK's.
	Version = "1.2.1"
)

// New returns the provider with every resource and function of the package.
func New() p.Provider {
	provider := infer.Provider(infer.Options{
		Metadata: schema.Metadata{
			DisplayName: "Command",
			Description: "Runs commands and copies files, on this machine or over SSH, as Pulumi resources.",
			License:     "Apache-2.0",
		},
		Resources: []infer.InferredResource{
			infer.Resource(&local.Command{}),
			infer.Resource(&remote.Command{}),
			infer.Resource(&remote.CopyToRemote{}),
			infer.Resource(&remote.CopyFile{}),
		},
		Functions: []infer.InferredFunction{infer.Function(&local.Run{})},
	})
	provider.Check = withoutSecretValues(provider.Check)
	return provider
}

type check func(context.Context, p.CheckRequest) (p.CheckResponse, error)

// withoutSecretValues keeps connections out of error messages: where a failure names a property, the
// engine prints the property's whole value, private keys included.
func withoutSecretValues(next check) check {
	return func(ctx context.Context, request p.CheckRequest) (p.CheckResponse, error) {
		response, err := next(ctx, request)
		for i, failure := range response.Failures {
			if failure.Property == "connection" {
				response.Failures[i] = p.CheckFailure{Reason: "connection: " + failure.Reason}
			}
		}
		return response, err
	}
}
