// Package jaegertest gives tests a Jaeger.
package jaegertest

import (
	"context"
	"net/http"
	"os"
	"testing"

	"github.com/seed-7fcaac1b/protocaller/examples/tracing/jaeger"
)

// Start returns a Jaeger that ends with the test. The environment names it, for
// this process and those that it starts. The test is skipped unless JAEGER is set:
// the first build takes minutes. Folder is that of [jaeger.Build].
func Start(t *testing.T, folder string) *jaeger.Server {
	t.Helper()
	if os.Getenv("JAEGER") == "" {
		t.Skip("needs a Jaeger: JAEGER=1 go test ./... builds it, which takes some minutes the first time, and runs it")
	}
	program, err := jaeger.Build(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	server, err := jaeger.Start(context.Background(), program)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.OTLP)
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
	t.Setenv("OTEL_METRICS_EXPORTER", "none")
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
	return server
}
