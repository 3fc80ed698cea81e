package streams

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// recorder keeps what is logged outside an engine, where the library falls back on slog.
type recorder struct{ lines *[]string }

func (r recorder) Enabled(context.Context, slog.Level) bool { return true }
func (r recorder) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r recorder) WithGroup(string) slog.Handler            { return r }
func (r recorder) Handle(_ context.Context, record slog.Record) error {
	*r.lines = append(*r.lines, record.Message)
	return nil
}

func record(t *testing.T) *[]string {
	t.Helper()
	lines, before := &[]string{}, slog.Default()
	slog.SetDefault(slog.New(recorder{lines}))
	t.Cleanup(func() { slog.SetDefault(before) })
	return lines
}

func TestModes(t *testing.T) {
	for mode, expected := range map[Mode][]string{
		"":              {"out", "err"},
		StdoutAndStderr: {"out", "err"},
		Stdout:          {"out"},
		Stderr:          {"err"},
		None:            {},
	} {
		lines := record(t)
		collector := New(t.Context(), mode)
		_, _ = collector.Stdout().Write([]byte("out\n"))
		_, _ = collector.Stderr().Write([]byte("err\n\n"))
		stdout, stderr := collector.Finish()
		assert.Equal(t, "out", stdout)
		assert.Equal(t, "err\n", stderr, "only one newline is trimmed")
		logged := slices.DeleteFunc(*lines, func(line string) bool { return line == "" })
		assert.Equal(t, expected, logged, "mode %q", mode)
	}
}

func TestLinesAreWholeAndOfAnyLength(t *testing.T) {
	lines := record(t)
	collector := New(t.Context(), Stdout)
	long := strings.Repeat("x", 1<<20)
	for _, part := range []string{"a", "b\r\nc\n", long, "\nlast"} {
		_, _ = collector.Stdout().Write([]byte(part))
	}
	collector.Finish()
	assert.Equal(t, []string{"ab", "c", long, "last"}, *lines)
}

func TestNothingIsLoggedAfterCancel(t *testing.T) {
	lines := record(t)
	ctx, cancel := context.WithCancel(t.Context())
	collector := New(ctx, StdoutAndStderr)
	cancel()
	_, _ = collector.Stdout().Write([]byte("out\n"))
	stdout, _ := collector.Finish()
	assert.Equal(t, "out", stdout)
	assert.Empty(t, *lines)
}

func TestFailure(t *testing.T) {
	collector := New(t.Context(), None)
	_, _ = collector.Stderr().Write([]byte("why\n"))
	cause := errors.New("exit status 1")
	err := collector.Failure(cause, "make it so")
	assert.ErrorIs(t, err, cause)
	assert.Equal(t, "exit status 1: running \"make it so\":\nwhy\n", err.Error())
}
