// Package streams collects what a command prints and passes it on to the engine's log, line by line.
package streams

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
)

// Mode says which streams reach the engine's log. It never changes what is captured as output.
type Mode string

// The modes, by the names users write.
const (
	Stdout          Mode = "stdout"
	Stderr          Mode = "stderr"
	StdoutAndStderr Mode = "stdoutAndStderr"
	None            Mode = "none"
)

// EnumValues lists the modes for a schema's enumeration. Each Pulumi module has an enumeration type of
// its own (command:local:Logging, command:remote:Logging), hence the type parameter.
func EnumValues[T ~string]() []infer.EnumValue[T] {
	return []infer.EnumValue[T]{
		{Name: string(Stdout), Value: T(Stdout), Description: "Log standard output only."},
		{Name: string(Stderr), Value: T(Stderr), Description: "Log standard error only."},
		{Name: string(StdoutAndStderr), Value: T(StdoutAndStderr), Description: "Log both streams."},
		{Name: string(None), Value: T(None), Description: "Log nothing."},
	}
}

// Collector captures both streams of one run. Its writers may be used from several goroutines.
type Collector struct {
	mu       sync.Mutex
	stdout   bytes.Buffer
	stderr   bytes.Buffer
	combined bytes.Buffer // both, in the order of arrival, for error messages
	log      lineLog
	mode     Mode
}

// New returns a collector that logs to the engine behind ctx. An empty mode logs both streams.
func New(ctx context.Context, mode Mode) *Collector {
	if mode == "" {
		mode = StdoutAndStderr
	}
	return &Collector{log: lineLog{ctx: ctx}, mode: mode}
}

// Stdout returns the writer for the command's standard output.
func (c *Collector) Stdout() io.Writer {
	return &stream{c, &c.stdout, c.mode == Stdout || c.mode == StdoutAndStderr}
}

// Stderr returns the writer for the command's standard error.
func (c *Collector) Stderr() io.Writer {
	return &stream{c, &c.stderr, c.mode == Stderr || c.mode == StdoutAndStderr}
}

// Finish logs a last line that has no newline and returns both streams, each without one trailing newline.
func (c *Collector) Finish() (stdout, stderr string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log.flush()
	return strings.TrimSuffix(c.stdout.String(), "\n"), strings.TrimSuffix(c.stderr.String(), "\n")
}

// Failure wraps err with the command and everything it printed.
func (c *Collector) Failure(err error, command string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Errorf("%w: running %q:\n%s", err, command, c.combined.String())
}

type stream struct {
	collector *Collector
	captured  *bytes.Buffer
	logged    bool
}

func (s *stream) Write(data []byte) (int, error) {
	s.collector.mu.Lock()
	defer s.collector.mu.Unlock()
	s.captured.Write(data)
	s.collector.combined.Write(data)
	if s.logged {
		s.collector.log.write(data)
	}
	return len(data), nil
}

// lineLog sends whole lines to the engine as status messages: shown while the step runs.
type lineLog struct {
	ctx     context.Context
	partial bytes.Buffer
}

func (l *lineLog) write(data []byte) {
	l.partial.Write(data)
	for {
		end := bytes.IndexByte(l.partial.Bytes(), '\n')
		if end < 0 {
			return
		}
		line := l.partial.Next(end + 1)
		l.send(string(line[:end]))
	}
}

func (l *lineLog) flush() {
	if l.partial.Len() > 0 {
		l.send(l.partial.String())
		l.partial.Reset()
	}
}

func (l *lineLog) send(line string) {
	if l.ctx.Err() != nil { // the engine cancelled: it no longer takes messages of this step
		return
	}
	p.GetLogger(l.ctx).InfoStatus(strings.TrimSuffix(line, "\r"))
}
