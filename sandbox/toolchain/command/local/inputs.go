// Package local runs commands on this machine: command:local:Command and command:local:run.
package local

import (
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"kube-apiserver-havip/toolchain/command/common"
	"kube-apiserver-havip/toolchain/command/streams"
)

// Logging says which streams reach the engine's log.
type Logging string

// Values lists the modes for the schema.
func (Logging) Values() []infer.EnumValue[Logging] { return streams.EnumValues[Logging]() }

// Process says how a command is run; the resource and the function share it.
type Process struct {
	Interpreter            *[]string          `pulumi:"interpreter,optional"`
	Dir                    *string            `pulumi:"dir,optional"`
	Environment            *map[string]string `pulumi:"environment,optional"`
	Stdin                  *string            `pulumi:"stdin,optional"`
	Logging                *Logging           `pulumi:"logging,optional"`
	AssetPaths             *[]string          `pulumi:"assetPaths,optional"`
	ArchivePaths           *[]string          `pulumi:"archivePaths,optional"`
	AddPreviousOutputInEnv *bool              `pulumi:"addPreviousOutputInEnv,optional"`
}

// Annotate describes the inputs in the schema.
func (p *Process) Annotate(a infer.Annotator) {
	a.Describe(&p.Interpreter, `The program and its arguments that run the command. Default: ["/bin/sh", "-c"].`)
	a.Describe(&p.Dir, "The working directory. Default: the directory of the Pulumi program.")
	a.Describe(&p.Environment, "Variables added to the environment of the plugin.")
	a.Describe(&p.Stdin, "Text for the command's standard input.")
	a.Describe(&p.Logging, "Which streams are logged. Default: both.")
	a.Describe(&p.AssetPaths, "Globs of files to return as assets after the command; !glob takes matches out again.")
	a.Describe(&p.ArchivePaths, "Globs of files to return as one archive after the command; !glob takes matches out again.")
	a.Describe(&p.AddPreviousOutputInEnv,
		"Whether the previous run's output is in the environment as "+
			common.StdoutVariable+" and "+common.StderrVariable+". Default: true.")
}

// mode returns the streams' logging mode, the default where none is set.
func (p Process) mode() streams.Mode {
	if p.Logging == nil {
		return streams.StdoutAndStderr
	}
	return streams.Mode(*p.Logging)
}

// Results is what a run leaves behind.
type Results struct {
	common.Outputs
	Assets  *map[string]*resource.Asset `pulumi:"assets,optional"`
	Archive *resource.Archive           `pulumi:"archive,optional"`
}

// Annotate describes the outputs in the schema.
func (r *Results) Annotate(a infer.Annotator) {
	a.Describe(&r.Assets, "The files that assetPaths matched, by path relative to dir.")
	a.Describe(&r.Archive, "The files that archivePaths matched.")
}
