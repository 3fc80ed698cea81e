package remote

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"golang.org/x/crypto/ssh"

	"kube-apiserver-havip/toolchain/command/common"
	"kube-apiserver-havip/toolchain/command/streams"
)

// run executes command over SSH and replaces the outputs with what it printed.
//
// A cancelled ctx ends the dialling, but not a running command: the server would let it run on, and
// what still runs must not be recorded as failed. Whoever cannot wait ends the engine; its end is the
// plugin's and the session's.
func (c *CommandOutputs) run(ctx context.Context, command string) error {
	client, err := c.Connection.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	defer func() { _ = session.Close() }()
	if err := c.sendEnvironment(ctx, session); err != nil {
		return err
	}
	if c.Stdin != nil && *c.Stdin != "" {
		session.Stdin = strings.NewReader(*c.Stdin)
	}
	output := streams.New(ctx, streams.Mode(orDefault(c.Logging, "")))
	session.Stdout, session.Stderr = output.Stdout(), output.Stderr()
	err = session.Run(command)
	stdout, stderr := output.Finish()
	if err != nil {
		return output.Failure(err, command)
	}
	c.Outputs = common.Outputs{Stdout: stdout, Stderr: stderr}
	return nil
}

// sendEnvironment sets the session's variables. A server that refuses one the user asked for is an
// error; one that refuses the previous output, which nobody may need, is a warning.
func (c *CommandOutputs) sendEnvironment(ctx context.Context, session *ssh.Session) error {
	log := p.GetLogger(ctx)
	for _, name := range slices.Sorted(maps.Keys(c.Environment)) {
		if err := session.Setenv(name, c.Environment[name]); err != nil {
			log.Error(refusal(name))
			return fmt.Errorf("could not set environment variable %q: %w", name, err)
		}
	}
	previous := c.AsEnvironment(c.AddPreviousOutputInEnv)
	for _, name := range slices.Sorted(maps.Keys(previous)) {
		if err := session.Setenv(name, previous[name]); err != nil {
			log.Warning(refusal(name))
		}
	}
	return nil
}

func refusal(name string) string {
	return fmt.Sprintf("Unable to set '%s': the SSH server does not accept it. Add it to AcceptEnv of the "+
		"server, or set it in the command itself: '%s=value command'", name, name)
}
