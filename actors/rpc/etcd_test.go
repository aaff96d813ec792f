package rpc_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// etcdVariable says that a missing etcd is a failure, as in CI.
const etcdVariable = "ETCD"

// startEtcd starts an etcd of the test's own and returns its address.
func startEtcd(t testing.TB) string {
	path, err := exec.LookPath("etcd")
	if err != nil && os.Getenv(etcdVariable) == "" {
		t.Skip("skipped without etcd, whose members find each other by it: apt-get install etcd-server")
	}
	require.NoError(t, err)
	client, peer := "http://"+freeAddress(t), "http://"+freeAddress(t)
	cmd := exec.Command(path, "--data-dir", t.TempDir(), "--name", "test", "--logger", "zap", "--log-level", "error",
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "test="+peer)
	output, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	go func() { _, _ = io.Copy(io.Discard, output) }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	// Not by a client, whose gRPC would read its logger while another test or an
	// example has protoactor set it.
	require.Eventually(t, func() bool { return isHealthy(t.Context(), client) }, 20*time.Second, 10*time.Millisecond)
	return client
}

func isHealthy(ctx context.Context, address string) bool {
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

func etcdClient(t testing.TB, address string) *clientv3.Client {
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{address}, DialTimeout: 5 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// freeAddress returns an address that nobody listens on.
func freeAddress(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}
