package provider_test

import (
	"path/filepath"
	"testing"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"kube-apiserver-havip/toolchain/command/sshtest"
)

func TestConnectionDefaultsAndSecret(t *testing.T) {
	checked := newLab(t, remoteCommand).check(map[string]any{
		"create": "true", "connection": map[string]any{"host": "h", "proxy": map[string]any{"host": "j"}},
	})
	assert.True(t, checked.Get("connection").Secret())
	defaults := map[string]any{"user": "root", "port": 22, "dialErrorLimit": 10, "perDialTimeout": 15}
	for _, fields := range []struct{ host, in string }{{"h", "connection"}, {"j", "proxy"}} {
		found := checked.Get("connection").AsMap()
		if fields.in == "proxy" {
			found = found.Get("proxy").AsMap()
		}
		assert.Equal(t, fields.host, text(t, found, "host"))
		for name, expected := range defaults {
			assert.Equal(t, value(expected), found.Get(name), "%s of %s", name, fields.in)
		}
	}
	assert.Equal(t, 2, checked.Len(), "nothing else is filled in")
}

func TestUnknownConnectionInputIsRefused(t *testing.T) {
	lab := newLab(t, remoteCommand)
	response, err := lab.Check(p.CheckRequest{Urn: lab.urn, Inputs: values(map[string]any{
		"connection": map[string]any{"host": "h", "hosKey": "ssh-ed25519 AAAA"},
	})})
	require.NoError(t, err)
	require.Len(t, response.Failures, 1)
	assert.Contains(t, response.Failures[0].Reason, "Unrecognized field 'hosKey'")
	assert.Empty(t, response.Failures[0].Property, "the engine would print the private key")
}

func TestRemoteCommandLife(t *testing.T) {
	server := sshtest.Start(t, func(s *sshtest.Server) {
		s.AcceptEnv = []string{"GREETING", "PULUMI_COMMAND_STDOUT", "PULUMI_COMMAND_STDERR"}
	})
	lab := newLab(t, remoteCommand)
	mark := filepath.Join(t.TempDir(), "deleted")
	inputs := map[string]any{
		"connection":  connection(server, nil),
		"create":      `cat; echo "$GREETING" >&2; echo "[$PULUMI_COMMAND_STDOUT]"`,
		"delete":      `test "$PULUMI_COMMAND_STDERR" = hello && touch ` + mark,
		"stdin":       "typed ",
		"environment": map[string]any{"GREETING": "hello"},
	}
	state := lab.created(inputs)
	assert.Regexp(t, `^name[0-9a-f]{8}$`, state.ID)
	assert.Equal(t, "typed []", text(t, state.Properties, "stdout"))
	assert.Equal(t, "hello", text(t, state.Properties, "stderr"))
	assert.True(t, state.Properties.Get("connection").Secret())
	assert.False(t, state.Properties.Get("stdout").Secret())

	delete(inputs, "stdin")
	updated, err := lab.update(state, inputs)
	require.NoError(t, err)
	assert.Equal(t, "[typed []]", text(t, updated, "stdout"))

	inputs["addPreviousOutputInEnv"] = false
	inputs["update"] = `echo "updated [$PULUMI_COMMAND_STDOUT]"`
	updated, err = lab.update(state, inputs)
	require.NoError(t, err)
	assert.Equal(t, "updated []", text(t, updated, "stdout"))

	require.NoError(t, lab.Delete(p.DeleteRequest{ID: state.ID, Urn: lab.urn, Properties: state.Properties}))
	assert.FileExists(t, mark)
	server.Wait(t) // every connection is closed again
}

func TestRemoteCommandFailureShowsCommandAndOutput(t *testing.T) {
	server := sshtest.Start(t, nil)
	_, err := newLab(t, remoteCommand).create(map[string]any{
		"connection": connection(server, nil), "create": "echo out; echo err >&2; exit 3",
	})
	require.Error(t, err)
	assert.Contains(t, err.Error(),
		`Process exited with status 3: running "echo out; echo err >&2; exit 3":`)
	assert.Contains(t, err.Error(), "out\n")
	assert.Contains(t, err.Error(), "err\n")
}

func TestRefusedEnvironmentFails(t *testing.T) {
	server := sshtest.Start(t, nil)
	_, err := newLab(t, remoteCommand).create(map[string]any{
		"connection": connection(server, nil), "create": "true", "environment": map[string]any{"A": "b"},
	})
	assert.ErrorContains(t, err, `could not set environment variable "A": ssh: setenv failed`)
}

func TestRefusedPreviousOutputIsOnlyAWarning(t *testing.T) {
	lab := newLab(t, remoteCommand)
	server := sshtest.Start(t, nil)
	inputs := map[string]any{"connection": connection(server, nil), "create": `echo "x$PULUMI_COMMAND_STDOUT"`}
	state := lab.created(inputs)
	inputs["stdin"] = "changed"
	updated, err := lab.update(state, inputs)
	require.NoError(t, err)
	assert.Equal(t, "x", text(t, updated, "stdout"))
}

func TestLoggingDoesNotChangeOutputs(t *testing.T) {
	server := sshtest.Start(t, nil)
	for _, mode := range []string{"stdout", "stderr", "stdoutAndStderr", "none"} {
		state := newLab(t, remoteCommand).created(map[string]any{
			"connection": connection(server, nil), "create": "echo out; echo err >&2", "logging": mode,
		})
		assert.Equal(t, "out", text(t, state.Properties, "stdout"))
		assert.Equal(t, "err", text(t, state.Properties, "stderr"))
	}
}

func TestNoCommandMeansNoConnection(t *testing.T) {
	server := sshtest.Start(t, nil)
	lab := newLab(t, remoteCommand)
	state := lab.created(map[string]any{"connection": connection(server, nil), "update": "exit 1"})
	require.NoError(t, lab.Delete(p.DeleteRequest{ID: state.ID, Urn: lab.urn, Properties: state.Properties}))
	assert.Equal(t, 0, server.Connections())
	assert.Empty(t, text(t, state.Properties, "stdout"))
}

func TestRefreshKeepsStateAsItIs(t *testing.T) {
	server := sshtest.Start(t, nil)
	lab := newLab(t, remoteCommand)
	inputs := map[string]any{"connection": connection(server, nil), "create": "echo out"}
	state := lab.created(inputs)
	read, err := lab.Read(p.ReadRequest{
		ID: state.ID, Urn: lab.urn, Properties: state.Properties, Inputs: lab.check(inputs),
	})
	require.NoError(t, err)
	assert.Equal(t, state.Properties, read.Properties)
	assert.Equal(t, 1, server.Connections())
}

func TestCancelEndsDialling(t *testing.T) {
	lab := newLab(t, remoteCommand)
	server := sshtest.Start(t, func(s *sshtest.Server) { s.Refuse = 1 << 20 })
	failed := make(chan error)
	go func() {
		_, err := lab.create(map[string]any{
			"connection": connection(server, map[string]any{"dialErrorLimit": -1}), "create": "true",
		})
		failed <- err
	}()
	require.Eventually(t, func() bool { return server.Connections() > 1 }, 5*time.Second, time.Millisecond)
	require.NoError(t, lab.Cancel())
	assert.ErrorContains(t, <-failed, "context canceled")
}

func TestCancelWaitsForARunningCommand(t *testing.T) {
	lab := newLab(t, remoteCommand)
	server := sshtest.Start(t, nil)
	started := filepath.Join(t.TempDir(), "started")
	type outcome struct {
		state p.CreateResponse
		err   error
	}
	ended := make(chan outcome)
	go func() {
		state, err := lab.create(map[string]any{
			"connection": connection(server, nil), "create": "touch " + started + "; sleep 0.3; echo done",
		})
		ended <- outcome{state, err}
	}()
	require.Eventually(t, func() bool { return exists(started) }, 5*time.Second, time.Millisecond)
	require.NoError(t, lab.Cancel())
	result := <-ended
	require.NoError(t, result.err)
	assert.Equal(t, "done", text(t, result.state.Properties, "stdout"))
}
