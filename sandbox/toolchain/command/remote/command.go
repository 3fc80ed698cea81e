package remote

import (
	"context"

	"github.com/pulumi/pulumi-go-provider/infer"

	"kube-apiserver-havip/toolchain/command/common"
	"kube-apiserver-havip/toolchain/command/streams"
)

// Logging says which streams reach the engine's log.
type Logging string

// Values lists the modes for the schema.
func (Logging) Values() []infer.EnumValue[Logging] { return streams.EnumValues[Logging]() }

// Command is command:remote:Command.
type Command struct{}

// Annotate describes the resource in the schema.
func (c *Command) Annotate(a infer.Annotator) {
	a.Describe(&c, "A command run on another machine over SSH. It fails when its exit code is not zero.")
}

// CommandInputs are the resource's inputs.
type CommandInputs struct {
	common.Lifecycle
	Connection             *Connection       `pulumi:"connection" provider:"secret"`
	Environment            map[string]string `pulumi:"environment,optional"`
	Stdin                  *string           `pulumi:"stdin,optional"`
	Logging                *Logging          `pulumi:"logging,optional"`
	AddPreviousOutputInEnv *bool             `pulumi:"addPreviousOutputInEnv,optional"`
}

// Annotate describes the inputs in the schema.
func (c *CommandInputs) Annotate(a infer.Annotator) {
	a.Describe(&c.Connection, "How to reach the machine.")
	a.Describe(&c.Environment, "Variables for the command. The server must accept each one (AcceptEnv).")
	a.Describe(&c.Stdin, "Text for the command's standard input.")
	a.Describe(&c.Logging, "Which streams are logged. Default: both.")
	a.Describe(&c.AddPreviousOutputInEnv,
		"Whether the previous run's output is sent as "+common.StdoutVariable+" and "+common.StderrVariable+
			", where the server accepts them. Default: true.")
}

// CommandOutputs is the resource's state: its inputs and what the last run printed.
type CommandOutputs struct {
	CommandInputs
	common.Outputs
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
	err = response.Output.run(ctx, *request.Inputs.Create)
	return response, err
}

// Update runs the update command, or the create command where there is none.
func (*Command) Update(
	ctx context.Context, request infer.UpdateRequest[CommandInputs, CommandOutputs],
) (infer.UpdateResponse[CommandOutputs], error) {
	response := infer.UpdateResponse[CommandOutputs]{
		Output: CommandOutputs{CommandInputs: request.Inputs, Outputs: request.State.Outputs},
	}
	command := request.Inputs.OnUpdate()
	if request.DryRun || command == nil {
		return response, nil
	}
	err := response.Output.run(ctx, *command)
	return response, err
}

// Delete runs the delete command, if there is one.
func (*Command) Delete(
	ctx context.Context, request infer.DeleteRequest[CommandOutputs],
) (infer.DeleteResponse, error) {
	if request.State.Delete == nil {
		return infer.DeleteResponse{}, nil
	}
	return infer.DeleteResponse{}, request.State.run(ctx, *request.State.Delete)
}
