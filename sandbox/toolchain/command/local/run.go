package local

import (
	"context"

	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/infer/types"

	"kube-apiserver-havip/toolchain/command/common"
)

// Run is command:local:run: a command run on every preview and every update.
type Run struct{}

// Annotate describes the function in the schema.
func (r *Run) Annotate(a infer.Annotator) {
	a.Describe(&r, "A command run on this machine whenever the program runs, previews included.")
}

// RunInputs are the function's arguments.
type RunInputs struct {
	Process
	Command string `pulumi:"command"`
}

// Annotate describes the arguments in the schema.
func (r *RunInputs) Annotate(a infer.Annotator) {
	a.Describe(&r.Command, "The command to run.")
}

// RunOutputs is the function's result: its arguments and what the run left. The library takes assets in
// a function's result in this form only; the wire format is the resource's.
type RunOutputs struct {
	RunInputs
	common.Outputs
	Assets  *map[string]types.AssetOrArchive `pulumi:"assets,optional"`
	Archive *types.AssetOrArchive            `pulumi:"archive,optional"`
}

// Annotate describes the result in the schema.
func (r *RunOutputs) Annotate(a infer.Annotator) {
	a.Describe(&r.Assets, "The files that assetPaths matched, by path relative to dir.")
	a.Describe(&r.Archive, "The files that archivePaths matched.")
}

// Invoke runs the command.
func (*Run) Invoke(
	ctx context.Context, request infer.FunctionRequest[RunInputs],
) (infer.FunctionResponse[RunOutputs], error) {
	var results Results
	err := run(ctx, request.Input.Command, request.Input.Process, &results)
	output := RunOutputs{RunInputs: request.Input, Outputs: results.Outputs}
	if results.Assets != nil {
		assets := make(map[string]types.AssetOrArchive, len(*results.Assets))
		for path, asset := range *results.Assets {
			assets[path] = types.AssetOrArchive{Asset: asset}
		}
		output.Assets = &assets
	}
	if results.Archive != nil {
		output.Archive = &types.AssetOrArchive{Archive: results.Archive}
	}
	return infer.FunctionResponse[RunOutputs]{Output: output}, err
}
