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
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// Each test of real sockets runs in a process of its own. So do the nodes that it
// starts. All of them are this test program.
const (
	// aloneVariable says that the process is there for one test.
	aloneVariable = "RPC_TEST_ALONE"
	// nodeVariable is the address that the process is to listen on as a node.
	nodeVariable = "RPC_TEST_NODE"
	// sizeVariable is its MaxSize, in bytes, unless that is sizeOfNodes.
	sizeVariable = "RPC_TEST_SIZE"
	// tlsVariable is the file of a certificate, its key, and its authority.
	tlsVariable = "RPC_TEST_TLS"
)

// atSameTime is how many parts of such a test run at the same time: most of them wait.
const atSameTime = 32

// alone runs a test in a process of its own, which prefix may start, as nice does.
func alone(t *testing.T, test func(t *testing.T), prefix ...string) {
	if os.Getenv(aloneVariable) != "" {
		test(t)
		return
	}
	t.Parallel()
	pattern := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	command := slices.Concat(prefix, []string{os.Args[0], "-test.run=" + pattern, "-test.timeout=" + (5*time.Minute + *soak).String(), "-test.parallel=" + strconv.Itoa(atSameTime)})
	if *soak > 0 {
		command = append(command, "-rpc.soak="+soak.String())
	}
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Env = append(os.Environ(), aloneVariable+"=1", withoutOthersRaces())
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, string(output))
	require.NotContains(t, string(output), "no tests to run")
}

// listen starts a node in the process of the test.
func listen(t testing.TB, opts ...rpc.Option) *actor.ActorSystem {
	return listenAt(t, "127.0.0.1:0", opts...)
}

func listenAt(t testing.TB, address string, opts ...rpc.Option) *actor.ActorSystem {
	system := actorstest.NewSystem(t)
	require.NoError(t, register(system))
	stop, err := rpc.Start(system, address, opts...)
	require.NoError(t, err)
	t.Cleanup(stop)
	return system
}

// other is a node in a process of its own.
type other struct {
	*exec.Cmd
	input   io.Closer
	output  io.Reader
	address string
	target  rpc.Target
}

// startNode starts a node that listens on an address, and waits until it does.
func startNode(t testing.TB, address string, env ...string) *other {
	return startNodeBy(t, exec.Command(os.Args[0]), address, env...)
}

// startNodeBy starts it by a command that runs this program.
func startNodeBy(t testing.TB, cmd *exec.Cmd, address string, env ...string) *other {
	o := launchBy(t, cmd, append(env, nodeVariable+"="+address)...)
	o.listens(t)
	return o
}

// launch starts a node.
func launch(t testing.TB, env ...string) *other { return launchBy(t, exec.Command(os.Args[0]), env...) }

func launchBy(t testing.TB, cmd *exec.Cmd, env ...string) *other {
	cmd.Env = append(append(os.Environ(), failOnRaces(t)), env...)
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
	return &other{Cmd: cmd, input: input, output: output}
}

// listens waits until the node does.
func (o *other) listens(t testing.TB) {
	require.True(t, o.tryListen(), "the node has ended")
}

// tryListen waits until the node listens or has ended.
func (o *other) tryListen() bool {
	line, err := bufio.NewReader(o.output).ReadString('\n')
	if err != nil {
		return false
	}
	o.address = strings.TrimSpace(line)
	o.target = rpc.At(o.address, "callers/clerk")
	return true
}

// leave has the node end in an orderly way.
func (o *other) leave(t *testing.T) {
	require.NoError(t, o.input.Close())
	require.NoError(t, o.Wait())
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
	stop := func() {}
	err := errors.Join(register(system), registerSoak(system), rpc.Inspectable(system))
	if err == nil {
		stop, err = rpc.Start(system, address, append(tlsOptions(), rpc.MaxSize(maxSize()), rpc.MaxOpen(maxOpen()))...)
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
	callOthers(system)
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

// maxSize returns what the environment says about the size of what nodes take.
func maxSize() int {
	if size, err := strconv.Atoi(os.Getenv(sizeVariable)); err == nil {
		return size
	}
	return sizeOfNodes
}

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
