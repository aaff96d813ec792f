package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/clitest"
)

func TestTheShopTakesOrders(t *testing.T) {
	t.Setenv("OTEL_SDK_DISABLED", "true")
	address, closeShop := open(t, time.Millisecond)
	defer closeShop()
	defer http.DefaultClient.CloseIdleConnections()

	response, err := http.Get(address + "/order/tea")
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)

	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.True(t, strings.HasPrefix(string(body), "tea, 7 left, on account; goes well with a cup\ntrace: "), string(body))
}

func TestTheRouteIsThePatternThatMatched(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(spans))
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(provider)
	defer otel.SetTracerProvider(before)
	s := newShop(t, time.Millisecond)

	s.handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/order/tea", http.NoBody))

	require.NoError(t, s.close(t.Context()))
	var routes []string
	for _, span := range spans.Ended() {
		for _, a := range span.Attributes() {
			if a.Key == "http.route" {
				routes = append(routes, span.Name()+": "+a.Value.AsString())
			}
		}
	}
	assert.Equal(t, []string{"GET /order/{item}: /order/{item}"}, routes)
}

func TestUnusableArguments(t *testing.T) {
	for want, args := range map[string][]string{
		"flag provided but not defined: -?[2J":          {"-\x1b[2J"},
		`"x\n" is no flag; try -help`:                   {"x\n"},
		"-listen ?: address ?: missing port in address": {"-listen", "\a"},
	} {
		t.Run(want, func(t *testing.T) {
			assert.Equal(t, clitest.Outcome{Status: cli.StatusUsage, Stderr: "tracing: " + want + "\n"}, clitest.Execute(t, nil, args...))
		})
	}
}

func TestHelp(t *testing.T) {
	assert.Equal(t, clitest.Outcome{Stdout: usage}, clitest.Execute(t, nil, "-help"))
}

func TestResultThatCannotBeWrittenIsAnError(t *testing.T) {
	clitest.CheckUnwritable(t, command, "-listen", "127.0.0.1:0")
	clitest.CheckUnwritable(t, command, "-jaeger")
	clitest.CheckUnwritable(t, command, "-help")
}

// There is no collector either, which is not the reason.
func TestFailureIsOneLine(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+taken.Addr().String())
	got := clitest.Execute(t, nil, "-listen", taken.Addr().String())
	assert.Equal(t, cli.StatusFailed, got.Status)
	assert.Equal(t, "tracing: listen tcp "+taken.Addr().String()+": bind: address already in use\n", got.Stderr)
}

func TestTracesThatCannotBeSentAreOneLine(t *testing.T) {
	nobody := httptest.NewServer(http.NotFoundHandler())
	nobody.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", nobody.URL)
	t.Setenv("OTEL_METRICS_EXPORTER", "")
	ctx, stop := context.WithCancel(t.Context())
	in, out := io.Pipe()
	var stderr bytes.Buffer
	status := make(chan int)
	go func() { status <- run(ctx, []string{"-listen", "127.0.0.1:0"}, out, &stderr) }()
	line, err := bufio.NewReader(in).ReadString('\n')
	require.NoError(t, err)
	response, err := http.Get(strings.TrimPrefix(strings.TrimSpace(line), "order something: "))
	require.NoError(t, err)
	response.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	stop()

	assert.Equal(t, cli.StatusFailed, <-status)
	assert.Regexp(t, `^tracing: traces were not sent: [^\n]+\n$`, stderr.String())
}

func TestTheShopClosesWithASignal(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			got := clitest.Execute(t, signal, "-listen", "127.0.0.1:0")
			assert.Equal(t, cli.StatusOK, got.Status)
			assert.Regexp(t, `^order something: http://127\.0\.0\.1:\d+/order/tea\nsee the callers: http://127\.0\.0\.1:\d+/debug/callers/\nsee the metrics: http://127\.0\.0\.1:\d+/metrics\n$`, got.Stdout)
			assert.Empty(t, got.Stderr)
		})
	}
}
