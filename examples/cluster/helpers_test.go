package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/clitest"
)

func TestMain(m *testing.M) {
	if clitest.IsProgram() {
		main() // it does not return
	}
	os.Exit(m.Run())
}

// program is one that runs.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout output
	stderr *bufio.Reader
	said   string // on stderr, as far as it was read
}

// output is what a program has printed until now.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start starts the program. The races that protoactor has are not reported.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	races, err := filepath.Abs("testdata/races.txt")
	require.NoError(t, err)
	p := &program{t: t, cmd: clitest.Command(t, args...)}
	p.cmd.Env = append(p.cmd.Env, "GORACE=suppressions="+races)
	p.cmd.Stdout = &p.stdout
	stderr, err := p.cmd.StderrPipe()
	require.NoError(t, err)
	p.stderr = bufio.NewReader(stderr)
	require.NoError(t, p.cmd.Start())
	return p
}

// end waits for the end of the program.
func (p *program) end() clitest.Outcome {
	p.t.Helper()
	rest, err := io.ReadAll(p.stderr)
	require.NoError(p.t, err)
	_ = p.cmd.Wait() // what it says is in the exit status
	return clitest.Outcome{Status: p.cmd.ProcessState.ExitCode(), Stdout: p.stdout.String(), Stderr: p.said + string(rest)}
}

func (p *program) signal(s os.Signal) { require.NoError(p.t, p.cmd.Process.Signal(s)) }

var process = regexp.MustCompile(`^member (\S+) is process (\d+)`)

// localMember is one of those of -local.
type localMember struct {
	address string
	pid     int
}

func (m localMember) kill(t *testing.T) { require.NoError(t, syscall.Kill(m.pid, syscall.SIGKILL)) }

// members reads who the members are.
func (p *program) members(n int) (all []localMember) {
	p.t.Helper()
	for range n {
		line := p.line()
		match := process.FindStringSubmatch(line)
		require.NotNil(p.t, match, line)
		pid, err := strconv.Atoi(match[2])
		require.NoError(p.t, err)
		all = append(all, localMember{match[1], pid})
	}
	return all
}

// printed waits until the program has printed a text.
func (p *program) printed(text string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool { return strings.Contains(p.stdout.String(), text) }, patience, 10*time.Millisecond)
}

// line reads a line of stderr.
func (p *program) line() string {
	p.t.Helper()
	line, err := p.stderr.ReadString('\n')
	p.said += line
	require.NoError(p.t, err, p.said)
	return line
}

// makeTree makes a directory of n files, each second of which is a copy.
func makeTree(t *testing.T, n int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for i := range n {
		sub := filepath.Join(dir, strconv.Itoa(i%10))
		require.NoError(t, os.MkdirAll(sub, 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(sub, strconv.Itoa(i)), fmt.Appendf(nil, "%05d", i/2), 0o600))
	}
	return dir
}
