package local

import (
	"context"

	"github.com/pulumi/pulumi-go-provider/infer"

	"kube-apiserver-havip/toolchain/command/common"
)

// Command is command:local:Command.
type Command struct{}

// Annotate describes the resource in the schema.
func (c *Command) Annotate(a infer.Annotator) {
	a.Describe(&c, "A command run on this machine. It fails when its exit code is not zero.")
}

// CommandInputs are the resource's inputs.
type CommandInputs struct {
	common.Lifecycle
	Process
}

// CommandOutputs is the resource's state: its inputs and what the last run left.
type CommandOutputs struct {
	CommandInputs
	Results
}

// Create runs the create command, if there is one.
func (*Command) Create(
	ctx context.Context, request infer.CreateRequest[CommandInputs],
) (infer.CreateResponse[CommandOutputs], error) {
	response := infer.CreateResponse[CommandOutputs]{Output: CommandOutputs{CommandInputs: request.Inputs}}
	var err error
	if response.ID, err = common.NewID(request.Name); err != nil {
		return response, err
	}
	if request.DryRun || request.Inputs.Create == nil {
		return response, nil
	}
	err = run(ctx, *request.Inputs.Create, request.Inputs.Process, &response.Output.Results)
	return response, err
}

// Update runs the update command, or the create command where there is none.
func (*Command) Update(
	ctx context.Context, request infer.UpdateRequest[CommandInputs, CommandOutputs],
) (infer.UpdateResponse[CommandOutputs], error) {
	response := infer.UpdateResponse[CommandOutputs]{
		Output: CommandOutputs{CommandInputs: request.Inputs, Results: request.State.Results},
	}
	command := request.Inputs.OnUpdate()
	if request.DryRun || command == nil {
		return response, nil
	}
	err := run(ctx, *command, request.Inputs.Process, &response.Output.Results)
	return response, err
}

// Delete runs the delete command, if there is one.
func (*Command) Delete(
	ctx context.Context, request infer.DeleteRequest[CommandOutputs],
) (infer.DeleteResponse, error) {
	if request.State.Delete == nil {
		return infer.DeleteResponse{}, nil
	}
	return infer.DeleteResponse{}, run(ctx, *request.State.Delete, request.State.Process, &request.State.Results)
}
