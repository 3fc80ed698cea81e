// Package common holds what commands on this machine and over SSH share.
package common

import (
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Environment variables that carry the previous run's output into the next one.
const (
	StdoutVariable = "PULUMI_COMMAND_STDOUT"
	StderrVariable = "PULUMI_COMMAND_STDERR"
)

// IDSuffixLength is the number of hexadecimal digits that make a resource's ID unique.
const IDSuffixLength = 8

// NewID returns prefix followed by random hexadecimal digits.
func NewID(prefix string) (string, error) {
	return resource.NewUniqueHex(prefix, IDSuffixLength, 0)
}

// Lifecycle are the commands of a resource, one for each step of its life.
type Lifecycle struct {
	Triggers *[]any  `pulumi:"triggers,optional" provider:"replaceOnChanges"`
	Create   *string `pulumi:"create,optional"`
	Update   *string `pulumi:"update,optional"`
	Delete   *string `pulumi:"delete,optional"`
}

// Annotate describes the inputs in the schema.
func (l *Lifecycle) Annotate(a infer.Annotator) {
	a.Describe(&l.Triggers, "A change of any of these values replaces the resource.")
	a.Describe(&l.Create, "The command run when the resource is created.")
	a.Describe(&l.Update, "The command run when an input changes; without it, create runs again.")
	a.Describe(&l.Delete, "The command run when the resource is deleted.")
}

// OnUpdate returns the command an update runs, nil for none.
func (l Lifecycle) OnUpdate() *string {
	if l.Update != nil {
		return l.Update
	}
	return l.Create
}

// Outputs is what the last run printed, each without one trailing newline.
type Outputs struct {
	Stdout string `pulumi:"stdout"`
	Stderr string `pulumi:"stderr"`
}

// Annotate describes the outputs in the schema.
func (o *Outputs) Annotate(a infer.Annotator) {
	a.Describe(&o.Stdout, "The command's standard output.")
	a.Describe(&o.Stderr, "The command's standard error.")
}

// AsEnvironment returns the variables that carry o into the next run. Empty output sets none.
func (o Outputs) AsEnvironment(enabled *bool) map[string]string {
	variables := map[string]string{}
	if enabled != nil && !*enabled {
		return variables
	}
	if o.Stdout != "" {
		variables[StdoutVariable] = o.Stdout
	}
	if o.Stderr != "" {
		variables[StderrVariable] = o.Stderr
	}
	return variables
}
