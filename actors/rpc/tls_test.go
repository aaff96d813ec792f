package rpc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// authority signs the certificates of a test.
type authority struct {
	tb          testing.TB
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pool        *x509.CertPool
}

func newAuthority(tb testing.TB) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	a := &authority{tb: tb, key: key, pool: x509.NewCertPool(), certificate: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}}
	data, err := x509.CreateCertificate(rand.Reader, a.certificate, a.certificate, &key.PublicKey, key)
	require.NoError(tb, err)
	a.certificate, err = x509.ParseCertificate(data)
	require.NoError(tb, err)
	a.pool.AddCert(a.certificate)
	return a
}

// signs returns a certificate for a name and for hosts.
func (a *authority) signs(name string, hosts ...string) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.tb, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	data, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	require.NoError(a.tb, err)
	return tls.Certificate{Certificate: [][]byte{data}, PrivateKey: key}
}

// shows returns the option of a stranger with a certificate.
func (a *authority) shows(certificate tls.Certificate) grpc.DialOption {
	return grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{certificate}, RootCAs: a.pool, MinVersion: tls.VersionTLS13,
	}))
}

// Whoever has a certificate could claim to be any node.
func TestWithMutualTLSAPeerClaimsAnAddressOfItsCertificate(t *testing.T) {
	alone(t, func(t *testing.T) {
		a := newAuthority(t)
		system := listen(t, rpc.MutualTLS(a.signs("here", "127.0.0.1"), a.pool))
		got := make(chan string, 10)
		pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if s, ok := ctx.Message().(*wrapperspb.StringValue); ok {
				got <- s.GetValue()
			}
		}))
		for claims, ok := range map[string]bool{
			"127.0.0.2:7": true, "127.0.0.2:8": true, "shop.example:7": true, "SHOP.example:7": true,
			"127.0.0.1:7": false, "bank.example:7": false, "a.shop.example:7": false, system.Address(): false,
			"127.0.0.2": false, ":7": false, "nonhost": false,
		} {
			s := meet(t, system.Address(), claims, a.shows(a.signs("shop", "127.0.0.2", "shop.example")))
			err := s.send(batchOf(t, pid, wrapperspb.String(claims), nil))
			if ok {
				require.NoError(t, err, claims)
				assert.Equal(t, claims, <-got)
				continue
			}
			assert.Equal(t, codes.PermissionDenied, status.Code(err), "%s: %v", claims, err)
		}
		assert.Empty(t, got)
		assert.EqualValues(t, 7, rpc.StatsOf(system).Denied)
	})
}

// A call is for whoever has the stream that it comes on, and is made in no other's name.
func TestTheAuthorizerIsGivenTheVerifiedCertificate(t *testing.T) {
	alone(t, func(t *testing.T) {
		a := newAuthority(t)
		asked := make(chan rpc.Incoming, 10)
		there := listenAt(t, "127.0.0.2:0", rpc.MutualTLS(a.signs("there", "127.0.0.2"), a.pool),
			rpc.Authorize(func(call rpc.Incoming) bool {
				asked <- call
				return call.Certificate.Subject.CommonName == "here"
			}))
		actorstest.Start(t, there, props.Name("clerk"))
		for name, allowed := range map[string]bool{"here": true, "elsewhere": false} {
			here := listen(t, rpc.MutualTLS(a.signs(name, "127.0.0.1"), a.pool))
			_, err := rpc.Call[string, string](t.Context(), here, rpc.At(there.Address(), "callers/clerk"), "echo", "x").Wait(t.Context())
			if allowed {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, rpc.ErrDenied)
			}
			call := <-asked
			assert.Equal(t, here.Address(), call.Peer)
			assert.Equal(t, name, call.Certificate.Subject.CommonName)
			assert.Equal(t, "echo", call.Function)
		}
	})
}

// A node that has the certificate of another host would have its rights.
func TestWithMutualTLSASessionIsOfAnAddressOfItsCertificate(t *testing.T) {
	alone(t, func(t *testing.T) {
		a := newAuthority(t)
		there := listenAt(t, "127.0.0.2:0", rpc.MutualTLS(a.signs("there", "127.0.0.2"), a.pool),
			rpc.Authorize(func(call rpc.Incoming) bool { return strings.HasPrefix(call.Peer, "127.0.0.9:") }))
		actorstest.Start(t, there, props.Name("clerk"))
		thief := listen(t, rpc.MutualTLS(a.signs("thief", "127.0.0.1"), a.pool), rpc.Advertised("127.0.0.9:7"))
		err := failure[string](t, thief, rpc.At(there.Address(), "callers/clerk"), "echo", "x")
		require.ErrorIs(t, err, rpc.ErrDenied)
		require.ErrorContains(t, err, "the certificate is not for the address 127.0.0.9:7")
		assert.NotZero(t, rpc.StatsOf(there).Denied)
	})
}

func TestWithoutTLSTheAuthorizerIsGivenNoCertificate(t *testing.T) {
	alone(t, func(t *testing.T) {
		asked := make(chan rpc.Incoming, 1)
		there := listen(t, rpc.Authorize(func(call rpc.Incoming) bool {
			asked <- call
			return true
		}))
		actorstest.Start(t, there, props.Name("clerk"))
		here := listen(t)
		_, err := rpc.Call[string, string](t.Context(), here, rpc.At(there.Address(), "callers/clerk"), "echo", "x").Wait(t.Context())
		require.NoError(t, err)
		assert.Nil(t, (<-asked).Certificate)
	})
}
