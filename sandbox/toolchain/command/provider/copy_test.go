package provider_test

import (
	"os"
	"path/filepath"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/asset"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"kube-apiserver-havip/toolchain/command/sshtest"
)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func contents(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

func fileAsset(t *testing.T, path string) property.Value {
	t.Helper()
	made, err := asset.FromPath(path)
	require.NoError(t, err)
	return property.New(made)
}

func textAsset(t *testing.T, text string) property.Value {
	t.Helper()
	made, err := asset.FromText(text)
	require.NoError(t, err)
	return property.New(made)
}

func dirArchive(t *testing.T, path string) property.Value {
	t.Helper()
	made, err := archive.FromPath(path)
	require.NoError(t, err)
	return property.New(made)
}

func TestCopyTextAndUpdate(t *testing.T) {
	server := sshtest.Start(t, nil)
	lab := newLab(t, copyToRemote)
	dest := filepath.Join(t.TempDir(), "made", "too", "file")
	inputs := map[string]any{
		"connection": connection(server, nil), "source": textAsset(t, "one"), "remotePath": dest,
	}
	state := lab.created(inputs)
	assert.Regexp(t, `^[0-9a-f]{8}$`, state.ID)
	assert.Equal(t, "one", contents(t, dest))

	inputs["connection"] = connection(server, map[string]any{"user": "other"})
	_, err := lab.update(state, inputs)
	require.NoError(t, err)
	assert.Equal(t, 1, server.Connections(), "a new connection alone copies nothing")

	inputs["source"] = textAsset(t, "two")
	_, err = lab.update(state, inputs)
	require.NoError(t, err)
	assert.Equal(t, "two", contents(t, dest))

	inputs["remotePath"] = filepath.Dir(dest)
	_, err = lab.update(state, inputs)
	assert.ErrorContains(t, err, "is a directory")
}

func TestCopyPaths(t *testing.T) {
	server := sshtest.Start(t, nil)
	source := filepath.Join(t.TempDir(), "src")
	write(t, filepath.Join(source, "a"), "A")
	write(t, filepath.Join(source, "sub", "b"), "B")
	place := func(source property.Value, dest string) error {
		_, err := newLab(t, copyToRemote).create(map[string]any{
			"connection": connection(server, nil), "source": source, "remotePath": dest,
		})
		return err
	}
	t.Run("file into directory", func(t *testing.T) {
		dest := t.TempDir()
		require.NoError(t, place(fileAsset(t, filepath.Join(source, "a")), dest))
		assert.Equal(t, "A", contents(t, filepath.Join(dest, "a")))
	})
	t.Run("file over file", func(t *testing.T) {
		dest := filepath.Join(t.TempDir(), "file")
		write(t, dest, "longer than before")
		require.NoError(t, place(fileAsset(t, filepath.Join(source, "a")), dest))
		assert.Equal(t, "A", contents(t, dest))
	})
	t.Run("directory under its name", func(t *testing.T) {
		dest := filepath.Join(t.TempDir(), "x", "y")
		require.NoError(t, place(dirArchive(t, source), dest))
		require.NoError(t, place(dirArchive(t, source), dest), "again")
		assert.Equal(t, "B", contents(t, filepath.Join(dest, "src", "sub", "b")))
	})
	t.Run("contents of directory", func(t *testing.T) {
		dest := t.TempDir()
		require.NoError(t, place(dirArchive(t, source+"/"), dest))
		assert.Equal(t, "A", contents(t, filepath.Join(dest, "a")))
	})
	t.Run("directory over file", func(t *testing.T) {
		dest := filepath.Join(t.TempDir(), "file")
		write(t, dest, "")
		assert.ErrorContains(t, place(dirArchive(t, source), dest), "is not a directory")
	})
}

func TestCopyChecksItsSource(t *testing.T) {
	lab := newLab(t, copyToRemote)
	reasons := func(source property.Value) []string {
		response, err := lab.Check(p.CheckRequest{Urn: lab.urn, Inputs: values(map[string]any{
			"connection": map[string]any{"host": "h"}, "remotePath": "x", "source": source,
		})})
		require.NoError(t, err)
		found := []string{}
		for _, failure := range response.Failures {
			found = append(found, failure.Reason)
		}
		return found
	}
	remote := property.New(&asset.Asset{Sig: asset.AssetSig, URI: "http://example.com"})
	assert.Equal(t, []string{"asset must be a path-based file asset or a text asset"}, reasons(remote))
	assert.Equal(t, []string{"either asset or archive must be set"}, reasons(property.New(property.Computed)))
	assert.Empty(t, reasons(textAsset(t, "x")))
}

func TestCopyFile(t *testing.T) {
	server := sshtest.Start(t, nil)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "A")
	newLab(t, copyFile).created(map[string]any{
		"connection": connection(server, nil),
		"localPath":  filepath.Join(dir, "a"), "remotePath": filepath.Join(dir, "b"),
	})
	assert.Equal(t, "A", contents(t, filepath.Join(dir, "b")))
}
