// Package etcdtest starts servers of etcd for tests.
package etcdtest

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Variable says that a missing etcd is a failure, as in CI.
const Variable = "ETCD"

// Server is an etcd of a test's own, which ends with the test.
type Server struct {
	// Address is the URL for clients.
	Address string

	t    testing.TB
	args []string
	cmd  *exec.Cmd
}

// Start starts an etcd that listens on the local host, and waits until it is ready. The
// test is skipped where there is none.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartOn(t, "127.0.0.1")
}

// StartOn is Start with another host to listen on.
func StartOn(t testing.TB, host string) *Server {
	t.Helper()
	path, err := exec.LookPath("etcd")
	if err != nil && os.Getenv(Variable) == "" {
		t.Skip("skipped without etcd, whose members find each other by it: apt-get install etcd-server")
	}
	require.NoError(t, err)
	client, peer := "http://"+freeAddress(t, host), "http://"+freeAddress(t, host)
	s := &Server{Address: client, t: t, args: []string{
		path, "--data-dir", t.TempDir(), "--name", "test", "--logger", "zap", "--log-level", "error",
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "test=" + peer,
	}}
	s.Restart()
	t.Cleanup(s.Kill)
	return s
}

// Restart starts the etcd anew after Kill, with the data that it had.
func (s *Server) Restart() {
	s.t.Helper()
	s.cmd = exec.Command(s.args[0], s.args[1:]...)
	output, err := s.cmd.StderrPipe()
	require.NoError(s.t, err)
	require.NoError(s.t, s.cmd.Start())
	go func() { _, _ = io.Copy(io.Discard, output) }()
	// Not by a client, whose gRPC would read its logger while another test or an
	// example has protoactor set it.
	require.Eventually(s.t, func() bool { return isHealthy(s.Address) }, 20*time.Second, 10*time.Millisecond)
}

// Kill ends the etcd, as a crash would.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// Freeze stops the process of the etcd until Thaw.
func (s *Server) Freeze() { require.NoError(s.t, s.cmd.Process.Signal(syscall.SIGSTOP)) }

// Thaw has a frozen etcd go on.
func (s *Server) Thaw() { require.NoError(s.t, s.cmd.Process.Signal(syscall.SIGCONT)) }

func isHealthy(address string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/health", nil)
	if err != nil {
		return false
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// freeAddress returns an address of a host that nobody listens on.
func freeAddress(t testing.TB, host string) string {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}
