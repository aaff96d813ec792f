package rpc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

func TestKilledNodeFailsItsCalls(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		node := startNode(t, "127.0.0.1:0")
		_, err := rpc.Call[string, string](t.Context(), system, node.target, "echo", "x").Wait(t.Context())
		require.NoError(t, err)
		var calls []*pending.Pending[int]
		for range 10 {
			calls = append(calls, rpc.Call[struct{}, int](t.Context(), system, node.target, "wait", struct{}{}))
		}
		node.kill(t)
		for _, p := range calls {
			_, err := p.Wait(t.Context())
			require.ErrorIs(t, err, rpc.ErrNodeDown)
		}
		// Calls go on failing while it is down, and succeed when there is another
		// one in its place.
		require.ErrorIs(t, failure[string](t, system, node.target, "echo", "x"), rpc.ErrNodeDown)
		again := startNode(t, node.address)
		for {
			_, err := rpc.Call[string, string](t.Context(), system, again.target, "echo", "x").Wait(t.Context())
			if err == nil {
				break
			}
			require.ErrorIs(t, err, rpc.ErrNodeDown)
			pause(t)
		}
	})
}

func TestKilledNodeEndsItsStreams(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		node := startNode(t, "127.0.0.1:0")
		var failed error
		for i, err := range rpc.Stream[int, int](t.Context(), system, node.target, "count", 1<<60) {
			if failed = err; i == 1000 {
				node.kill(t)
			}
		}
		require.ErrorIs(t, failed, rpc.ErrNodeDown)
		assert.Zero(t, rpc.StatsOf(system))
	})
}

// pause lets a moment pass before something is tried again.
func pause(t *testing.T) {
	p := pending.New[int](t.Context())
	_, err := p.Wait(t.Context(), pending.Timeout(10*time.Millisecond))
	require.Error(t, err)
}

func TestStop(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		stop, err := rpc.Start(system, "127.0.0.1:0")
		require.NoError(t, err)
		node := startNode(t, "127.0.0.1:0")
		p := rpc.Call[struct{}, int](t.Context(), system, node.target, "wait", struct{}{})
		stop()
		_, err = p.Result()
		require.ErrorIs(t, err, pending.ErrStopped)
		require.ErrorIs(t, failure[string](t, system, node.target, "echo", "x"), pending.ErrStopped)
		stop()
	})
}

func TestMutualTLS(t *testing.T) {
	alone(t, func(t *testing.T) {
		file := certificateFile(t)
		t.Setenv(tlsVariable, file)
		system := listen(t, tlsOptions()...)
		known := startNode(t, "127.0.0.1:0")
		got, err := rpc.Call[string, string](t.Context(), system, known.target, "echo", "secret").Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "secret", got)

		stranger := startNode(t, "127.0.0.1:0", tlsVariable+"="+certificateFile(t))
		require.ErrorIs(t, failure[string](t, system, stranger.target, "echo", "secret"), rpc.ErrNodeDown)
		plain := startNode(t, "127.0.0.1:0", tlsVariable+"=")
		require.ErrorIs(t, failure[string](t, system, plain.target, "echo", "secret"), rpc.ErrNodeDown)
	})
}

// certificateFile makes an authority that has signed itself, for 127.0.0.1.
func certificateFile(t *testing.T) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	all := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	file := filepath.Join(t.TempDir(), "certificate.pem")
	require.NoError(t, os.WriteFile(file, all, 0o600))
	return file
}

// A message of a type that a program does not have panics in protoactor. It is left out, and
// the connection goes on.
func TestUnknownMessageDoesNotEndTheConnection(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		node := startNode(t, "127.0.0.1:0")
		echo := actor.NewPID(node.address, "echo")
		system.Root.Send(echo, unknownMessage(t))
		answer, err := system.Root.RequestFuture(echo, wrapperspb.String("x"), -1).Result()
		require.NoError(t, err, "it went the same way, behind the unknown one")
		assert.Equal(t, "x", answer.(*wrapperspb.StringValue).GetValue())
		got, err := rpc.Call[string, string](t.Context(), system, node.target, "echo", "x").Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "x", got)
	})
}

func unknownMessage(t *testing.T) proto.Message {
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name:        proto.String("unknown.proto"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Unknown")}},
	}, nil)
	require.NoError(t, err)
	return dynamicpb.NewMessage(file.Messages().Get(0))
}
