package rpc_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// protoactor's remote may be started once in a process: it sets the logger of
// gRPC, which another one reads. So each test of real sockets runs in a process of
// its own, and so do the nodes that it talks to, which are all this test program.
const (
	// aloneVariable says that the process is there for one test.
	aloneVariable = "RPC_TEST_ALONE"
	// nodeVariable is the address that the process is to listen on as a node.
	nodeVariable = "RPC_TEST_NODE"
	// tlsVariable is the file of a certificate, its key, and its authority.
	tlsVariable = "RPC_TEST_TLS"
)

// alone runs a test in a process of its own.
func alone(t *testing.T, test func(t *testing.T)) {
	if os.Getenv(aloneVariable) != "" {
		test(t)
		return
	}
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), aloneVariable+"=1")
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, string(output))
	require.NotContains(t, string(output), "no tests to run")
}

// listen starts a node in the process of the test.
func listen(t testing.TB, opts ...rpc.Option) *actor.ActorSystem {
	system := actorstest.NewSystem(t)
	require.NoError(t, register(system))
	stop, err := rpc.Start(system, "127.0.0.1:0", opts...)
	require.NoError(t, err)
	t.Cleanup(stop)
	return system
}

// other is a node in a process of its own.
type other struct {
	*exec.Cmd
	address string
	target  rpc.Target
}

// startNode starts a node that listens on an address, and waits until it does.
func startNode(t testing.TB, address string, env ...string) *other {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), nodeVariable+"="+address), env...)
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe() // whose end the node stops at
	require.NoError(t, err)
	output, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = input.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	o := &other{Cmd: cmd, address: strings.TrimSpace(line)}
	o.target = rpc.At(o.address, "callers/clerk")
	return o
}

// kill ends the node as a crash of its machine would.
func (o *other) kill(t *testing.T) {
	require.NoError(t, o.Process.Kill())
	_ = o.Wait()
}

// runNode is the main function of such a node.
func runNode(address string) {
	system := actor.NewActorSystem(func(config *actor.Config) {
		config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
	})
	stop, err := rpc.Start(system, address, append(tlsOptions(), rpc.MaxSize(sizeOfNodes))...)
	if err == nil {
		err = errors.Join(register(system), registerStreams(system))
	}
	if err == nil {
		_, err = actors.Start(system, props.Name("clerk"))
	}
	if err == nil {
		_, err = system.Root.SpawnNamed(actor.PropsFromFunc(echo), "echo")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(system.Address())
	_, _ = io.Copy(io.Discard, os.Stdin)
	stop()
	_ = actors.Shutdown(context.Background(), system)
}

// echo is a plain actor, for comparison.
func echo(ctx actor.Context) {
	if s, ok := ctx.Message().(*wrapperspb.StringValue); ok {
		ctx.Respond(s)
	}
}

// sizeOfNodes lets 64 MB pass, and what belongs to them.
const sizeOfNodes = 100 << 20

var noCertificate tls.Certificate

// tlsOptions returns what the environment says about TLS.
func tlsOptions() []rpc.Option {
	file := os.Getenv(tlsVariable)
	if file == "" {
		return nil
	}
	certificate, err := tls.LoadX509KeyPair(file, file)
	if err != nil {
		panic(err)
	}
	authorities := x509.NewCertPool()
	pem, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	authorities.AppendCertsFromPEM(pem)
	return []rpc.Option{rpc.MutualTLS(certificate, authorities)}
}
