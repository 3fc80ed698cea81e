package remote

import (
	"context"

	"github.com/pkg/sftp"
	"github.com/pulumi/pulumi-go-provider/infer"

	"kube-apiserver-havip/toolchain/command/common"
)

// CopyFile is command:remote:CopyFile, which CopyToRemote has replaced. It has no update: every change
// replaces it.
type CopyFile struct{}

// Annotate describes the resource in the schema.
func (c *CopyFile) Annotate(a infer.Annotator) {
	a.Describe(&c, "A local file copied to another machine by SFTP.")
	a.Deprecate(&c, "Deprecated: use CopyToRemote.")
}

// CopyFileInputs are the resource's inputs.
type CopyFileInputs struct {
	Connection *Connection `pulumi:"connection" provider:"secret"`
	Triggers   *[]any      `pulumi:"triggers,optional"`
	LocalPath  string      `pulumi:"localPath"`
	RemotePath string      `pulumi:"remotePath"`
}

// Annotate describes the inputs in the schema.
func (c *CopyFileInputs) Annotate(a infer.Annotator) {
	a.Describe(&c.Connection, "How to reach the machine.")
	a.Describe(&c.Triggers, "A change of any of these values replaces the resource.")
	a.Describe(&c.LocalPath, "The file to copy.")
	a.Describe(&c.RemotePath, "The path of the copy.")
}

// CopyFileOutputs is the resource's state: its inputs.
type CopyFileOutputs struct{ CopyFileInputs }

// Create copies the file.
func (*CopyFile) Create(
	ctx context.Context, request infer.CreateRequest[CopyFileInputs],
) (infer.CreateResponse[CopyFileOutputs], error) {
	response := infer.CreateResponse[CopyFileOutputs]{Output: CopyFileOutputs{request.Inputs}}
	if request.DryRun {
		return response, nil
	}
	err := withSFTP(ctx, request.Inputs.Connection, func(client *sftp.Client) error {
		return copyFile(client, request.Inputs.LocalPath, request.Inputs.RemotePath)
	})
	if err != nil {
		return response, err
	}
	response.ID, err = common.NewID("")
	return response, err
}
