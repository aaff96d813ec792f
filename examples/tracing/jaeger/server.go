package jaeger

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Build returns the path of the program. It is built unless that was done
// before. Folder is where the module of the tool is; go must be in the PATH.
func Build(ctx context.Context, folder string) (program string, err error) {
	cmd := exec.CommandContext(ctx, "go", "-C", folder, "tool", "-n", "jaeger")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("jaeger: build: %w\n%s", err, stderr.String())
	}
	return strings.TrimSpace(string(stdout)), nil
}

// Server is a Jaeger that runs. Its traces are in its memory.
type Server struct {
	// OTLP is where traces are sent to, by OTLP over HTTP.
	OTLP string
	// API is the address of the query API.
	API string

	cmd     *exec.Cmd
	failure error         // of the program, once it has ended
	ended   chan struct{} // its output has
	tail    tail
}

// stopTimeout is how long Jaeger has to end when it is asked to.
const stopTimeout = 10 * time.Second

// Start starts the program and returns when it takes traces and questions. It
// runs until Stop is called or ctx ends.
func Start(ctx context.Context, program string) (*Server, error) {
	const tries = 3 // somebody else may take the port that was free
	for try := 1; ; try++ {
		s, err := start(ctx, program)
		if err == nil || try == tries || !strings.Contains(err.Error(), "address already in use") {
			return s, err
		}
	}
}

func start(ctx context.Context, program string) (*Server, error) {
	otlp, err := freeAddress()
	if err != nil {
		return nil, fmt.Errorf("jaeger: %w", err)
	}
	s := &Server{OTLP: "http://" + otlp, ended: make(chan struct{})}
	s.cmd = exec.CommandContext(ctx, program, "--config=yaml:"+configuration(otlp))
	s.cmd.Env = append(os.Environ(), "OTEL_TRACES_SAMPLER=always_off") // it does not trace itself
	s.cmd.WaitDelay = stopTimeout
	apart(s.cmd)
	out, in := io.Pipe()
	s.cmd.Stdout, s.cmd.Stderr = in, in
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("jaeger: %w", err)
	}
	ready := make(chan struct{})
	go s.read(out, ready)
	go func() {
		s.failure = s.cmd.Wait()
		_ = in.Close()
	}()
	select {
	case <-ready:
		return s, nil
	case <-s.ended:
		return nil, fmt.Errorf("jaeger: it has ended before it was ready: %w\n%s", s.failure, s.tail.String())
	}
}

// freeAddress returns an address that nobody listens on. Jaeger tells which
// ports it has chosen, except for this one.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// configuration is that of Jaeger, in which each of its servers listens on the loopback
// address alone. OTLP says where it takes traces.
func configuration(otlp string) string {
	return fmt.Sprintf(`
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines:
    traces: {receivers: [otlp], exporters: [jaeger_storage_exporter]}
  telemetry:
    metrics: {level: none}
    logs: {level: info, encoding: json}
extensions:
  jaeger_storage: {backends: {memory: {memory: {max_traces: 100000}}}}
  jaeger_query:
    storage: {traces: memory}
    http: {endpoint: "127.0.0.1:0"}
    grpc: {endpoint: "127.0.0.1:0"}
receivers:
  otlp: {protocols: {http: {endpoint: %q}}}
exporters:
  jaeger_storage_exporter: {trace_storage: memory}
`, otlp)
}

// entry is a line of the log.
type entry struct {
	Message string `json:"msg"`
	Address string `json:"http_addr"`
}

// read reads the log, to its end, for what it says of the beginning.
func (s *Server) read(log io.Reader, ready chan<- struct{}) {
	defer close(s.ended)
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		s.tail.add(lines.Text())
		var e entry
		if json.Unmarshal(lines.Bytes(), &e) != nil || ready == nil {
			continue
		}
		switch {
		case e.Message == "Query server started":
			s.API = "http://" + e.Address
		case strings.HasPrefix(e.Message, "Everything is ready."):
			close(ready)
			ready = nil
		}
	}
	_, _ = io.Copy(io.Discard, log) // it must never wait for us
}

// Stop ends Jaeger and waits until it has ended.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("jaeger: %w", err)
	}
	timer := time.AfterFunc(stopTimeout, func() { _ = s.cmd.Process.Kill() })
	defer timer.Stop()
	<-s.ended
	return s.failure
}

// tail is the end of a log.
type tail struct{ lines []string }

func (t *tail) add(line string) {
	const most = 20
	if len(t.lines) == most {
		t.lines = t.lines[1:]
	}
	t.lines = append(t.lines, line)
}

// String returns the lines. The log must have ended.
func (t *tail) String() string { return strings.Join(t.lines, "\n") }
