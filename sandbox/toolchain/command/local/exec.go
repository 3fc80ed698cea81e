package local

import (
	"context"
	"os"
	"os/exec"
	"strings"

	"kube-apiserver-havip/toolchain/command/common"
	"kube-apiserver-havip/toolchain/command/streams"
)

// run executes command and replaces results with what it left. Before that, results holds what the
// previous run left, which the command finds in its environment. A cancelled ctx kills the command.
func run(ctx context.Context, command string, process Process, results *Results) error {
	cmd, err := prepare(ctx, command, process, results.Outputs)
	if err != nil {
		return err
	}
	output := streams.New(ctx, process.mode())
	cmd.Stdout, cmd.Stderr = output.Stdout(), output.Stderr()
	err = cmd.Run()
	stdout, stderr := output.Finish()
	if err != nil {
		return output.Failure(err, command)
	}
	if err := collectFiles(cmd.Dir, process, results); err != nil {
		return err
	}
	results.Outputs = common.Outputs{Stdout: stdout, Stderr: stderr}
	return nil
}

func prepare(ctx context.Context, command string, process Process, previous common.Outputs) (*exec.Cmd, error) {
	words := []string{"/bin/sh", "-c"}
	if process.Interpreter != nil && len(*process.Interpreter) > 0 {
		words = append([]string{}, *process.Interpreter...)
	}
	words = append(words, command)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = os.Environ()
	if process.Environment != nil {
		cmd.Env = append(cmd.Env, assignments(*process.Environment)...)
	}
	cmd.Env = append(cmd.Env, assignments(previous.AsEnvironment(process.AddPreviousOutputInEnv))...)
	if process.Stdin != nil {
		cmd.Stdin = strings.NewReader(*process.Stdin)
	}
	if process.Dir != nil {
		cmd.Dir = *process.Dir
		return cmd, nil
	}
	var err error
	cmd.Dir, err = os.Getwd()
	return cmd, err
}

func assignments(variables map[string]string) []string {
	words := make([]string, 0, len(variables))
	for name, value := range variables {
		words = append(words, name+"="+value)
	}
	return words
}
