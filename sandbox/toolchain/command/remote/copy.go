package remote

import (
	"context"

	"github.com/pkg/sftp"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/infer/types"

	"kube-apiserver-havip/toolchain/command/common"
)

// CopyToRemote is command:remote:CopyToRemote. Nothing is removed from the machine on delete.
type CopyToRemote struct{}

// Annotate describes the resource in the schema.
func (c *CopyToRemote) Annotate(a infer.Annotator) {
	a.Describe(&c, "A file, a text or a directory copied to another machine by SFTP.")
}

// CopyInputs are the resource's inputs.
type CopyInputs struct {
	Connection *Connection          `pulumi:"connection" provider:"secret"`
	Triggers   *[]any               `pulumi:"triggers,optional" provider:"replaceOnChanges"`
	Source     types.AssetOrArchive `pulumi:"source"`
	RemotePath string               `pulumi:"remotePath"`
}

// Annotate describes the inputs in the schema.
func (c *CopyInputs) Annotate(a infer.Annotator) {
	a.Describe(&c.Connection, "How to reach the machine.")
	a.Describe(&c.Triggers, "A change of any of these values replaces the resource.")
	a.Describe(&c.Source, "A file asset, a string asset or a file archive. It is copied as it is, never unpacked.")
	a.Describe(&c.RemotePath, "Where to put it. Missing parent directories are made; into an existing directory "+
		"the source goes under its own name.")
}

// CopyOutputs is the resource's state: its inputs.
type CopyOutputs struct{ CopyInputs }

// hash identifies the content of the source.
func (c CopyInputs) hash() string {
	switch {
	case c.Source.Archive != nil:
		return c.Source.Archive.Hash
	case c.Source.Asset != nil:
		return c.Source.Asset.Hash
	}
	return ""
}

// Check refuses the kinds of source that cannot be copied. A source unknown at preview looks like none.
func (*CopyToRemote) Check(
	ctx context.Context, request infer.CheckRequest,
) (infer.CheckResponse[CopyInputs], error) {
	inputs, failures, err := infer.DefaultCheck[CopyInputs](ctx, request.NewInputs)
	response := infer.CheckResponse[CopyInputs]{Inputs: inputs, Failures: failures}
	if err != nil {
		return response, err
	}
	refuse := func(property, reason string) {
		response.Failures = append(response.Failures, p.CheckFailure{Property: property, Reason: reason})
	}
	asset, archive := inputs.Source.Asset, inputs.Source.Archive
	if asset != nil && archive != nil {
		refuse("asset", "only one of asset or archive can be set")
	}
	if asset == nil && archive == nil {
		refuse("asset", "either asset or archive must be set")
	}
	if asset != nil && !asset.IsPath() && !asset.IsText() {
		refuse("asset", "asset must be a path-based file asset or a text asset")
	}
	if archive != nil && !archive.IsPath() {
		refuse("archive", "archive must be a path to a file or directory")
	}
	return response, nil
}

// Create copies the source.
func (*CopyToRemote) Create(
	ctx context.Context, request infer.CreateRequest[CopyInputs],
) (infer.CreateResponse[CopyOutputs], error) {
	response := infer.CreateResponse[CopyOutputs]{Output: CopyOutputs{request.Inputs}}
	if request.DryRun {
		return response, nil
	}
	if err := request.Inputs.copy(ctx); err != nil {
		return response, err
	}
	var err error
	response.ID, err = common.NewID("")
	return response, err
}

// Update copies the source again if its content or its destination changed; a new connection alone
// copies nothing.
func (*CopyToRemote) Update(
	ctx context.Context, request infer.UpdateRequest[CopyInputs, CopyOutputs],
) (infer.UpdateResponse[CopyOutputs], error) {
	response := infer.UpdateResponse[CopyOutputs]{Output: CopyOutputs{request.Inputs}}
	same := request.Inputs.hash() == request.State.hash() && request.Inputs.RemotePath == request.State.RemotePath
	if request.DryRun || same {
		return response, nil
	}
	return response, request.Inputs.copy(ctx)
}

func (c CopyInputs) copy(ctx context.Context) error {
	return withSFTP(ctx, c.Connection, func(client *sftp.Client) error {
		switch {
		case c.Source.Archive != nil:
			return copyPath(client, c.Source.Archive.Path, c.RemotePath)
		case c.Source.Asset.IsText():
			return copyText(client, c.Source.Asset.Text, c.RemotePath)
		default:
			return copyPath(client, c.Source.Asset.Path, c.RemotePath)
		}
	})
}

// withSFTP calls use with an SFTP session on the machine.
func withSFTP(ctx context.Context, connection *Connection, use func(*sftp.Client) error) error {
	connected, err := connection.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = connected.Close() }()
	// Concurrent writes may leave a file longer than what was written after an error; each file is
	// written once and an error fails the step, so nobody reads such a file.
	client, err := sftp.NewClient(connected, sftp.UseConcurrentWrites(true))
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	return use(client)
}
