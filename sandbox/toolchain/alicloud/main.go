// The Alibaba Cloud resource plugin: the real Terraform provider, bridged, for machines without the published one.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfgen"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
)

// version is set by the build to the version of the SDK this plugin stands for: the engine compares the two.
var version = "0.0.0-unset"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-resource-alicloud:", err)
		os.Exit(1)
	}
}

func run() error {
	info, err := providerInfo(version)
	if err != nil {
		return err
	}
	schema, err := generateSchema(info)
	if err != nil {
		return fmt.Errorf("generate the schema: %w", err)
	}
	tfbridge.Main(packageName, version, info, schema)
	return nil
}

// generateSchema derives the Pulumi schema from the provider's own types. Done at every start, it takes a small part
// of the time that the provider itself needs and cannot be out of date.
func generateSchema(info tfbridge.ProviderInfo) ([]byte, error) {
	result, err := tfgen.GenerateSchemaWithOptions(tfgen.GenerateSchemaOptions{
		ProviderInfo: info,
		// The generator's remarks are on documentation, of which there is none here.
		DiagnosticsSink: diag.DefaultSink(io.Discard, io.Discard, diag.FormatOptions{Color: colors.Never}),
		// Without this it would look for the provider's documentation in the Go module cache.
		XInMemoryDocs: true,
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(result.PackageSpec)
}
