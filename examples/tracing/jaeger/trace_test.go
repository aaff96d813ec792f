package jaeger

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answers is a Jaeger that gives these answers, and the last one again.
func answers(t *testing.T, status int, bodies ...string) *Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		_, err := w.Write([]byte(bodies[0]))
		assert.NoError(t, err)
		if len(bodies) > 1 {
			bodies = bodies[1:]
		}
	}))
	t.Cleanup(func() {
		server.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return &Server{API: server.URL}
}

const oneSpan = `{"result":{"resourceSpans":[{
	"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
	"scopeSpans":[{"spans":[{
		"traceId":"01","spanId":"02","parentSpanId":"03","name":"sale","kind":3,
		"startTimeUnixNano":"1000","endTimeUnixNano":"3000",
		"attributes":[{"key":"n","value":{"intValue":"5"}},{"key":"f","value":{"doubleValue":1.5}},{"key":"b","value":{"boolValue":true}}],
		"events":[{"timeUnixNano":"2000","name":"started","attributes":[{"key":"text","value":{"stringValue":"a\"b"}}]}],
		"links":[{"traceId":"04","spanId":"05"}],
		"status":{"message":"no money","code":2}}]}]}]}}`

func full(spans []Span) bool { return len(spans) > 0 }

func TestATraceIsAskedForUntilItIsComplete(t *testing.T) {
	s := answers(t, http.StatusOK, `{"result":{}}`, `{"result":{}}`, oneSpan)

	spans, err := s.Trace(t.Context(), "01", full)

	require.NoError(t, err)
	assert.Equal(t, []Span{{
		TraceID: "01", ID: "02", Parent: "03", Service: "shop", Name: "sale", Kind: "client",
		Start: time.Unix(0, 1000), End: time.Unix(0, 3000),
		Attributes: map[string]string{"n": "5", "f": "1.5", "b": "true"},
		Events:     []Event{{"started", time.Unix(0, 2000), map[string]string{"text": `a"b`}}},
		Links:      []Link{{"04", "05"}},
		Failed:     true, Message: "no money",
	}}, spans)
}

func TestOnlyLinkedSpansAreReturned(t *testing.T) {
	s := answers(t, http.StatusOK, oneSpan)

	linked, err := s.Linked(t.Context(), "shop", "sale", "04", full)
	require.NoError(t, err)
	assert.Len(t, linked, 1)

	none, err := s.Linked(t.Context(), "shop", "sale", "another", func([]Span) bool { return true })
	require.NoError(t, err)
	assert.Empty(t, none)
}

func TestATraceThatIsNotThereIsWaitedFor(t *testing.T) {
	s := answers(t, http.StatusNotFound, "")
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0

	_, err := s.Trace(ctx, "01", func([]Span) bool {
		if asked++; asked == 3 {
			cancel()
		}
		return false
	})

	require.ErrorIs(t, err, context.Canceled)
	assert.GreaterOrEqual(t, asked, 3)
}

func TestWhatIsNoTraceIsAnError(t *testing.T) {
	for _, test := range []struct {
		name, body, want string
		status           int
	}{
		{"another status", "", "502 Bad Gateway", http.StatusBadGateway},
		{"no JSON", "<html>", "invalid character", http.StatusOK},
		{"no time", `{"result":{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":7}]}]}]}}`,
			"invalid syntax", http.StatusOK},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := answers(t, test.status, test.body).Trace(t.Context(), "01", full)
			require.ErrorContains(t, err, test.want)
		})
	}
}
