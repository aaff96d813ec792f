package otlp_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// collector is a real receiver of OTLP.
type collector struct {
	coltrace.UnimplementedTraceServiceServer

	mu      sync.Mutex
	spans   []string
	metrics []string
	logs    []*logs.LogRecord
	about   []map[string]string // a resource for each request
}

func (c *collector) Export(_ context.Context, r *coltrace.ExportTraceServiceRequest) (*coltrace.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rs := range r.GetResourceSpans() {
		c.about = append(c.about, attributes(rs.GetResource().GetAttributes()))
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				c.spans = append(c.spans, s.GetName())
			}
		}
	}
	return &coltrace.ExportTraceServiceResponse{}, nil
}

// ofMetrics is the side of a collector that receives metrics.
type ofMetrics struct {
	colmetrics.UnimplementedMetricsServiceServer
	*collector
}

func (c ofMetrics) Export(_ context.Context, r *colmetrics.ExportMetricsServiceRequest) (*colmetrics.ExportMetricsServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rm := range r.GetResourceMetrics() {
		c.about = append(c.about, attributes(rm.GetResource().GetAttributes()))
		for _, sm := range rm.GetScopeMetrics() {
			for _, m := range sm.GetMetrics() {
				c.metrics = append(c.metrics, m.GetName())
			}
		}
	}
	return &colmetrics.ExportMetricsServiceResponse{}, nil
}

// ofLogs is the side of a collector that receives logs.
type ofLogs struct {
	collogs.UnimplementedLogsServiceServer
	*collector
}

func (c ofLogs) Export(_ context.Context, r *collogs.ExportLogsServiceRequest) (*collogs.ExportLogsServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rl := range r.GetResourceLogs() {
		c.about = append(c.about, attributes(rl.GetResource().GetAttributes()))
		for _, sl := range rl.GetScopeLogs() {
			c.collector.logs = append(c.collector.logs, sl.GetLogRecords()...)
		}
	}
	return &collogs.ExportLogsServiceResponse{}, nil
}

func attributes(list []*common.KeyValue) map[string]string {
	m := make(map[string]string)
	for _, a := range list {
		m[a.GetKey()] = a.GetValue().GetStringValue()
	}
	return m
}

// received returns what has arrived until now.
func (c *collector) received() (spans, metrics []string, about []map[string]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spans, c.metrics, c.about
}

// collect starts a collector that speaks a protocol, and has the environment
// name it.
func collect(t *testing.T, protocol string) *collector {
	t.Helper()
	c := &collector{}
	endpoint := c.overHTTP
	if protocol == "grpc" {
		endpoint = c.overGRPC
	}
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint(t))
	return c
}

func (c *collector) overGRPC(t *testing.T) (endpoint string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return c.overGRPCAt(t, listener)
}

func (c *collector) overGRPCAt(t *testing.T, listener net.Listener) (endpoint string) {
	server := grpc.NewServer()
	coltrace.RegisterTraceServiceServer(server, c)
	colmetrics.RegisterMetricsServiceServer(server, ofMetrics{collector: c})
	collogs.RegisterLogsServiceServer(server, ofLogs{collector: c})
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) }) // an error if it is stopped before that
	t.Cleanup(func() {
		server.Stop()
		serving.Wait()
	})
	return "http://" + listener.Addr().String()
}

func (c *collector) overHTTP(t *testing.T) (endpoint string) { return serve(t, c.handler(t)) }

func (c *collector) overHTTPAt(t *testing.T, listener net.Listener) (endpoint string) {
	return serveAt(t, listener, c.handler(t))
}

func (c *collector) handler(t *testing.T) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", func(w http.ResponseWriter, r *http.Request) {
		answer(t, w, r, &coltrace.ExportTraceServiceRequest{}, c.Export)
	})
	mux.HandleFunc("POST /v1/metrics", func(w http.ResponseWriter, r *http.Request) {
		answer(t, w, r, &colmetrics.ExportMetricsServiceRequest{}, ofMetrics{collector: c}.Export)
	})
	mux.HandleFunc("POST /v1/logs", func(w http.ResponseWriter, r *http.Request) {
		answer(t, w, r, &collogs.ExportLogsServiceRequest{}, ofLogs{collector: c}.Export)
	})
	return mux
}

func answer[Request, Response proto.Message](
	t *testing.T, w http.ResponseWriter, r *http.Request,
	request Request, export func(context.Context, Request) (Response, error),
) {
	body, readErr := io.ReadAll(r.Body)
	parseErr := proto.Unmarshal(body, request)
	response, exportErr := export(r.Context(), request)
	body, formatErr := proto.Marshal(response)
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, writeErr := w.Write(body)
	assert.NoError(t, errors.Join(readErr, parseErr, exportErr, formatErr, writeErr))
}

func serve(t *testing.T, handler http.Handler) (endpoint string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return serveAt(t, listener, handler)
}

func serveAt(t *testing.T, listener net.Listener, handler http.Handler) (endpoint string) {
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler}} //nolint:gosec // It is for this test.
	server.Config.SetKeepAlivesEnabled(false)                                              // the next server at the address is another one
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}
