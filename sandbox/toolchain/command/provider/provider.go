// Package provider puts the resources together into one Pulumi provider.
package provider

import (
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
	return infer.Provider(infer.Options{
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
}
