package provider_test

import (
	"os"
	"path/filepath"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLocalCommandLife(t *testing.T) {
	lab := newLab(t, localCommand)
	dir := t.TempDir()
	inputs := map[string]any{
		"create":      `cat; echo "$GREETING" >&2; echo "[$PULUMI_COMMAND_STDOUT]"`,
		"delete":      `echo "$PULUMI_COMMAND_STDERR" > gone`,
		"stdin":       "typed ",
		"environment": map[string]any{"GREETING": "hello"},
		"dir":         dir,
	}
	state := lab.created(inputs)
	assert.Regexp(t, `^name[0-9a-f]{8}$`, state.ID)
	assert.Equal(t, "typed []", text(t, state.Properties, "stdout"))
	assert.Equal(t, "hello", text(t, state.Properties, "stderr"))
	assert.False(t, state.Properties.Get("addPreviousOutputInEnv").IsBool(), "has no default in the state")

	inputs["stdin"] = ""
	updated, err := lab.update(state, inputs)
	require.NoError(t, err)
	assert.Equal(t, "[typed []]", text(t, updated, "stdout"))

	inputs["addPreviousOutputInEnv"] = false
	inputs["update"] = `echo "updated [$PULUMI_COMMAND_STDOUT]"`
	updated, err = lab.update(state, inputs)
	require.NoError(t, err)
	assert.Equal(t, "updated []", text(t, updated, "stdout"))

	require.NoError(t, lab.Delete(p.DeleteRequest{ID: state.ID, Urn: lab.urn, Properties: state.Properties}))
	gone, err := os.ReadFile(filepath.Join(dir, "gone"))
	require.NoError(t, err)
	assert.Equal(t, "hello\n", string(gone))
}

func TestLocalCommandFailureShowsCommandAndOutput(t *testing.T) {
	_, err := newLab(t, localCommand).create(map[string]any{"create": "echo out; echo err >&2; exit 3"})
	require.Error(t, err)
	assert.Contains(t, err.Error(), `exit status 3: running "echo out; echo err >&2; exit 3":`)
	assert.Contains(t, err.Error(), "out\n")
	assert.Contains(t, err.Error(), "err\n")
}

func TestLocalCommandInterpreter(t *testing.T) {
	state := newLab(t, localCommand).created(map[string]any{
		"create": "the last argument", "interpreter": []any{"printf", "%s|%s", "first"},
	})
	assert.Equal(t, "first|the last argument", text(t, state.Properties, "stdout"))
}

func TestLocalCommandFiles(t *testing.T) {
	dir := t.TempDir()
	state := newLab(t, localCommand).created(map[string]any{
		"create":       "mkdir sub; touch a.txt b.txt sub/c.txt secret.txt",
		"dir":          dir,
		"assetPaths":   []any{"*.txt", "!secret*"},
		"archivePaths": []any{"**.txt"},
	})
	assets := state.Properties.Get("assets").AsMap()
	found := []string{}
	for name := range assets.All {
		found = append(found, name)
	}
	assert.ElementsMatch(t, []string{"a.txt", "b.txt"}, found)
	assert.Equal(t, filepath.Join(dir, "a.txt"), text(t, assets.Get("a.txt").AsMap(), "path"))
	assert.Equal(t, 4, state.Properties.Get("archive").AsMap().Get("assets").AsMap().Len())
}

func TestPreviewRunsNothing(t *testing.T) {
	lab := newLab(t, localCommand)
	inputs := lab.check(map[string]any{"create": "touch ran", "dir": t.TempDir()})
	preview, err := lab.Create(p.CreateRequest{Urn: lab.urn, Properties: inputs, DryRun: true})
	require.NoError(t, err)
	assert.Equal(t, "touch ran", text(t, preview.Properties, "create"))
	assert.True(t, preview.Properties.Get("stdout").IsComputed())
	assert.True(t, preview.Properties.Get("stderr").IsComputed())
	assert.NoFileExists(t, filepath.Join(inputs.Get("dir").AsString(), "ran"))
}

func TestRun(t *testing.T) {
	response, err := newLab(t, localCommand).Invoke(p.InvokeRequest{
		Token: "command:local:run", Args: values(map[string]any{"command": "echo hello"}),
	})
	require.NoError(t, err)
	expected := values(map[string]any{"command": "echo hello", "stdout": "hello", "stderr": ""})
	assert.Equal(t, expected, response.Return)
}

func TestRunReturnsFiles(t *testing.T) {
	dir := t.TempDir()
	response, err := newLab(t, localCommand).Invoke(p.InvokeRequest{
		Token: "command:local:run",
		Args: values(map[string]any{
			"command": "touch a", "dir": dir, "assetPaths": []any{"*"}, "archivePaths": []any{"*"},
		}),
	})
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(dir, "a"), response.Return.Get("assets").AsMap().Get("a").AsAsset().Path)
	assert.Len(t, response.Return.Get("archive").AsArchive().Assets, 1)
}

func TestUnknownInputIsRefused(t *testing.T) {
	lab := newLab(t, localCommand)
	response, err := lab.Check(p.CheckRequest{Urn: lab.urn, Inputs: values(map[string]any{"crate": "true"})})
	require.NoError(t, err)
	require.Len(t, response.Failures, 1)
	assert.Contains(t, response.Failures[0].Property, "crate")
}

func TestDiffKinds(t *testing.T) {
	lab := newLab(t, localCommand)
	before := map[string]any{"create": "true", "triggers": []any{"a"}}
	state := lab.created(before)
	diff := func(after map[string]any) map[string]p.PropertyDiff {
		response, err := lab.Diff(p.DiffRequest{
			ID: state.ID, Urn: lab.urn, State: state.Properties,
			Inputs: lab.check(after), OldInputs: lab.check(before),
		})
		require.NoError(t, err)
		return response.DetailedDiff
	}
	assert.Empty(t, diff(before))
	assert.Equal(t, p.Update, diff(map[string]any{"create": "false", "triggers": []any{"a"}})["create"].Kind)
	assert.Equal(t, p.Add, diff(map[string]any{"create": "true", "triggers": []any{"a"}, "stdin": "x"})["stdin"].Kind)
	assert.Equal(t, p.DeleteReplace, diff(map[string]any{"create": "true"})["triggers"].Kind)
}

func TestSecretInputStaysSecret(t *testing.T) {
	state := newLab(t, localCommand).created(map[string]any{
		"create": "cat", "stdin": property.New("hidden").WithSecret(true),
	})
	assert.True(t, state.Properties.Get("stdin").Secret())
	assert.False(t, state.Properties.Get("stdout").Secret())
}
