package otlp_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"

	"github.com/seed-7fcaac1b/protocaller/telemetry/otlp"
)

// request is what a collector sees of a request besides its spans.
type request struct {
	secret, encoding string
	certified        bool // by the client
}

// endpoint is a collector of traces with TLS or without.
type endpoint struct {
	*collector
	address string
	mu      sync.Mutex
	seen    []request
}

func (e *endpoint) see(r request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen = append(e.seen, r)
}

// listen starts a collector. With TLS it wants a certificate of the client.
func listen(t *testing.T, protocol string, with *tls.Config) *endpoint {
	t.Helper()
	e := &endpoint{collector: &collector{}}
	if protocol == "grpc" {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		opts := []grpc.ServerOption{grpc.UnaryInterceptor(
			func(ctx context.Context, r any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
				header, _ := metadata.FromIncomingContext(ctx)
				seen := request{}
				if values := header.Get("x-secret"); len(values) > 0 {
					seen.secret = values[0]
				}
				seen.certified = with != nil
				e.see(seen)
				return next(ctx, r)
			})}
		if with != nil {
			opts = append(opts, grpc.Creds(credentials.NewTLS(with)))
		}
		server := grpc.NewServer(opts...)
		coltrace.RegisterTraceServiceServer(server, e.collector)
		var serving sync.WaitGroup
		serving.Go(func() { _ = server.Serve(listener) })
		t.Cleanup(func() {
			server.Stop()
			serving.Wait()
		})
		e.address = listener.Addr().String()
		return e
	}
	handler := e.handler(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.see(request{r.Header.Get("X-Secret"), r.Header.Get("Content-Encoding"), r.TLS != nil && len(r.TLS.PeerCertificates) > 0})
		if r.Header.Get("Content-Encoding") != "" {
			return // what is in it is not looked at
		}
		handler.ServeHTTP(w, r)
	}))
	if with != nil {
		server.TLS = with
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	e.address = server.Listener.Addr().String()
	return e
}

// pair returns the configuration of a server, and the files of its certificate and key.
func pair(t *testing.T) (with *tls.Config, certificate, key string) {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	own := server.TLS.Certificates[0]
	secret, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	require.NoError(t, err)
	write := func(name, kind string, bytes []byte) string {
		file := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600))
		return file
	}
	with = &tls.Config{
		Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
	}
	return with, write("certificate.pem", "CERTIFICATE", server.Certificate().Raw), write("key.pem", "PRIVATE KEY", secret)
}

func TestTheEnvironmentSaysWhereTracesGoAndHow(t *testing.T) {
	with, certificate, key := pair(t)
	certificates := map[string]string{
		"OTEL_EXPORTER_OTLP_CERTIFICATE": certificate, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": certificate,
		"OTEL_EXPORTER_OTLP_CLIENT_KEY": key,
	}
	tests := map[string]struct {
		tls      *tls.Config
		endpoint string // what is put before the address
		variable string // of the endpoint
		path     string // of the endpoint of a signal, with HTTP
		more     map[string]string
		want     request
	}{
		"plain":                      {endpoint: "http://"},
		"of the signal":              {endpoint: "http://", variable: "TRACES_ENDPOINT", path: "/v1/traces"},
		"with headers":               {endpoint: "http://", more: map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "x-secret=a%20b,other=1"}, want: request{secret: "a b"}},
		"with headers of the signal": {endpoint: "http://", more: map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "x-secret=a", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x-secret=b"}, want: request{secret: "b"}},
		"with a timeout":             {endpoint: "http://", more: map[string]string{"OTEL_EXPORTER_OTLP_TIMEOUT": "60000", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "50000"}},
		"plain by INSECURE":          {endpoint: "http://", more: map[string]string{"OTEL_EXPORTER_OTLP_INSECURE": "true"}},
		"TLS":                        {endpoint: "https://", tls: with, more: certificates, want: request{certified: true}},
		"TLS, of the signal":         {endpoint: "https://", variable: "TRACES_ENDPOINT", path: "/v1/traces", tls: with, more: certificates, want: request{certified: true}},
	}
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		for name, tt := range tests {
			t.Run(protocol+" "+name, func(t *testing.T) {
				withoutVariables(t)
				e := listen(t, protocol, tt.tls.Clone())
				variable, path := "ENDPOINT", ""
				if tt.variable != "" {
					variable = tt.variable
					if protocol != "grpc" {
						path = tt.path
					}
				}
				t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
				t.Setenv("OTEL_EXPORTER_OTLP_"+variable, tt.endpoint+e.address+path)
				t.Setenv("OTEL_METRICS_EXPORTER", "none")
				for variable, value := range tt.more {
					t.Setenv(variable, value)
				}
				shutdown := setUp(t)
				span(t, "sale")
				require.NoError(t, shutdown(t.Context()))
				spans, _, _ := e.received()
				assert.Equal(t, []string{"sale"}, spans)
				assert.Equal(t, []request{tt.want}, e.seen)
			})
		}
	}
}

func TestCompressionIsThatOfTheEnvironment(t *testing.T) {
	withoutVariables(t)
	e := listen(t, "http/protobuf", nil)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+e.address)
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
	t.Setenv("OTEL_METRICS_EXPORTER", "none")
	shutdown := setUp(t)
	span(t, "sale")
	require.NoError(t, shutdown(t.Context()))
	assert.Equal(t, []request{{encoding: "gzip"}}, e.seen)
}

// Nobody answers, so that the test ends only if the timeout does.
func TestTimeoutOfTheEnvironmentEndsARequest(t *testing.T) {
	for _, variable := range []string{"OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"} {
		for _, protocol := range []string{"grpc", "http/protobuf"} {
			t.Run(protocol+" "+variable, func(t *testing.T) {
				withoutVariables(t)
				logged(t)
				silent, err := net.Listen("tcp", "127.0.0.1:0")
				require.NoError(t, err)
				defer silent.Close()
				t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
				t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+silent.Addr().String())
				t.Setenv("OTEL_METRICS_EXPORTER", "none")
				t.Setenv(variable, "50")
				shutdown, err := otlp.Setup(t.Context(), "shop")
				require.NoError(t, err)
				require.Error(t, flush(t))
				require.NoError(t, shutdown(t.Context()), "nothing is left")
			})
		}
	}
}
