package telemetry_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/internal/served"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// emitted is what was seen of a section of the page.
type emitted map[string]bool

func (e emitted) add(attributes []attribute.KeyValue) {
	for _, a := range attributes {
		e[string(a.Key)] = true
	}
}

func (e emitted) names() []string {
	var names []string
	for name := range e {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// section returns the names in the tables of a section of the page. With first, those of the
// first column alone.
func section(t *testing.T, title string, first bool) []string {
	t.Helper()
	page, err := os.ReadFile("CONVENTIONS.md")
	require.NoError(t, err)
	_, text, found := strings.Cut(string(page), "\n## "+title+"\n")
	require.True(t, found, title)
	text, _, _ = strings.Cut(text, "\n## ")
	names := emitted{}
	for line := range strings.Lines(text) {
		columns := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		if first {
			columns = columns[:1]
		}
		for _, name := range regexp.MustCompile("`([a-z._ ]+)`").FindAllStringSubmatch(strings.Join(columns, " "), -1) {
			names[name[1]] = true
		}
	}
	return names.names()
}

// row is what the page says of spans: of which method or operation, of which kind.
type row struct{ name, of, kind string }

func (r row) String() string { return fmt.Sprintf("%s of %q, %s", r.name, r.of, r.kind) }

// rowsOfThePage returns the columns of each row in the table of a section, for each method and
// operation that the second column names.
func rowsOfThePage(t *testing.T, title string) (rows [][]string) {
	t.Helper()
	page, err := os.ReadFile("CONVENTIONS.md")
	require.NoError(t, err)
	_, text, found := strings.Cut(string(page), "\n## "+title+"\n")
	require.True(t, found, title)
	text, _, _ = strings.Cut(text, "\n## ")
	for line := range strings.Lines(text) {
		columns := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		columns[0] = regexp.MustCompile("`([^`]+)`").FindStringSubmatch(columns[0])[1]
		of := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(columns[1], -1)
		if of == nil || strings.HasSuffix(columns[0], " (retry)") {
			of = [][]string{{"", ""}}
		}
		for _, method := range of {
			rows = append(rows, append([]string{columns[0], method[1]}, columns[2:]...))
		}
	}
	return rows
}

// spansOfThePage returns a row for each method, operation and kind in the table of spans.
func spansOfThePage(t *testing.T) []string {
	t.Helper()
	rows := emitted{}
	for _, columns := range rowsOfThePage(t, "Spans") {
		for _, kind := range regexp.MustCompile("[A-Z]{6,}").FindAllString(columns[2], -1) {
			rows[row{columns[0], columns[1], kind}.String()] = true
		}
	}
	return rows.names()
}

// linksOfThePage returns a row for each method in the table of links.
func linksOfThePage(t *testing.T) []string {
	t.Helper()
	rows := emitted{}
	for _, columns := range rowsOfThePage(t, "Links") {
		rows[row{name: columns[0], of: columns[1]}.String()] = true
	}
	return rows.names()
}

// linksOf returns a row for each span with a link that the library has made.
func linksOf(spans []sdk.ReadOnlySpan) []string {
	rows := emitted{}
	for _, span := range spans {
		if r, own := rowOf(span); own && len(span.Links()) > 0 {
			r.kind = ""
			rows[r.String()] = true
		}
	}
	return rows.names()
}

// spansOf returns a row for each span that the library has made.
func spansOf(spans []sdk.ReadOnlySpan) []string {
	rows := emitted{}
	for _, span := range spans {
		if r, own := rowOf(span); own {
			rows[r.String()] = true
		}
	}
	return rows.names()
}

// rowOf returns the row of a span. It reports false for one that the test has made.
func rowOf(span sdk.ReadOnlySpan) (r row, own bool) {
	a := attributesOf(span)
	r = row{"{name}", a["protocaller.method"], strings.ToUpper(span.SpanKind().String())}
	operation := a["messaging.operation.name"]
	switch {
	case a["protocaller.state"] != "":
		r.name, r.of = "{name} (unfinished)", ""
	case a["rpc.method"] != "":
		r.name = strings.ReplaceAll(span.Name(), a["rpc.method"], "{rpc.method}")
	case strings.HasSuffix(span.Name(), " (retry)"):
		r.name = "{name} (retry)"
	case operation != "":
		destination := cmp.Or(a["messaging.destination.template"], a["messaging.destination.name"])
		r.name = strings.ReplaceAll(span.Name(), destination, "{destination}")
		r.of = cmp.Or(r.of, operation)
	}
	return r, span.InstrumentationScope().Name == "github.com/seed-7fcaac1b/protocaller"
}

// provoke has everything emitted that there is.
func provoke(t *testing.T, r *tracetest.Recorder, m *meters) {
	tel := r.Telemetry(telemetry.MeterProvider(m), telemetry.Unfinished(10*time.Second))
	system := newSystem()
	c, err := actors.Start(system, props.Name("it"), props.Telemetry(tel), props.StopTimeout(time.Second), props.TurnWarning(20*time.Second))
	require.NoError(t, err)
	everyWay(t, c, tel)
	ctx := tel.NewContext(t.Context())
	_, err = actors.Schedule(ctx, c, func(context.Context) (int, error) { return 0, errBoom }, actors.Retry(actors.Attempts(2))).Wait(ctx)
	require.ErrorIs(t, err, errBoom)
	_, err = actors.CallSoon(ctx, c, func(context.Context) (int, error) { panic("bang") }).Wait(ctx)
	require.Error(t, err)
	_, err = actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) { return actors.CallSoon(ctx, c, nothing).WaitSync(ctx) }).Wait(ctx)
	require.ErrorIs(t, err, pending.ErrDeadlock)
	remote := pending.New[int](ctx, pending.Named("remote"), pending.ObservedBy(instrument.Of(tel).RemoteCalls("remote", "", "callers/it")))
	retries := instrument.Of(tel).RemoteRetries()
	retries.Send(remote.Context(), "remote", "127.0.0.1:80")
	retries.Send(remote.Context(), "remote", "127.0.0.1:80")
	retries.End(nil, false)
	remote.SetResult(1)
	_, err = actors.Schedule(&served.Context{Context: ctx, CodeOf: func(error) string { return "" }}, c, nothing, actors.Named("served")).Wait(ctx)
	require.NoError(t, err)
	instrument.Of(tel).Denied(ctx, "for the test")
	instrument.Of(tel).Expelled(ctx)
	provokeLinks(t, r, tel, c)
	pid := tel.Root(ctx, system.Root).Spawn(actor.PropsFromFunc(echo))
	ask(t, tel.Root(ctx, system.Root), pid)
	tel.Root(ctx, system.Root).Send(pid, &ping{})
	require.NoError(t, system.Root.PoisonFuture(pid).Wait())
	free := make(chan struct{})
	actors.CallSoon(ctx, c, func(context.Context) (int, error) { <-free; return 0, nil })
	synctest.Wait()
	actors.CallSoon(ctx, c, nothing)
	time.Sleep(time.Minute)
	m.keep(t)
	require.NoError(t, c.StopWait(ctx))
	close(free)
	time.Sleep(time.Second)
}

// provokeLinks has every link emitted that there is, besides those of retries and reports.
func provokeLinks(t *testing.T, r *tracetest.Recorder, tel *telemetry.Telemetry, c *actors.Caller) {
	early, span := r.Tracer().Start(tel.NewContext(t.Context()), "early")
	actors.CallLater(early, c, time.Second, nothing)
	actors.Schedule(early, c, nothing, actors.Delay(time.Second))
	every := actors.Every(early, c, time.Second, func(context.Context) error { return nil })
	q := actors.NewQueue(c, func(context.Context, int) error { return nil })
	require.NoError(t, q.PutContext(early, 1))
	require.NoError(t, q.CloseWait(t.Context()))
	span.End()
	stream := instrument.Of(tel).RemoteStream("stream", "", "callers/it", trace.SpanContext{})
	pending.New[int](early, pending.Named("stream"), pending.ObservedBy(stream)).SetResult(1)
	instrument.Of(tel).Repeat(early, "repeat", "callers/it").End(span.SpanContext(), nil)
	time.Sleep(2 * time.Second)
	every.Cancel(errBoom)
}

// keep collects the metrics, while there are some of a caller.
func (m *meters) keep(t *testing.T) {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, m.reader.Collect(context.Background(), &all))
	m.last = nil
	for _, scope := range all.ScopeMetrics {
		m.last = append(m.last, scope.Metrics...)
	}
}

func TestThePageOfConventionsHasWhatIsEmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, m := tracetest.NewRecorder(), newMeters()
		provoke(t, r, m)
		attributes, events, ofEvents := emitted{}, emitted{}, emitted{}
		for _, span := range r.Spans() {
			attributes.add(span.Attributes())
			for _, event := range span.Events() {
				events[event.Name] = true
				ofEvents.add(event.Attributes)
			}
		}
		delete(attributes, "code.stacktrace") // of a report: see the event
		assert.Equal(t, spansOfThePage(t), spansOf(r.Spans()))
		assert.Equal(t, linksOfThePage(t), linksOf(r.Spans()))
		assert.Equal(t, section(t, "Attributes", true), attributes.names())
		assert.Equal(t, section(t, "Events", true), events.names())
		for name := range ofEvents {
			assert.Contains(t, section(t, "Events", false), name)
		}
		metrics, ofMetrics := emitted{}, emitted{}
		for _, metric := range m.last {
			metrics[metric.Name] = true
			switch data := metric.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					ofMetrics.add(p.Attributes.ToSlice())
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					ofMetrics.add(p.Attributes.ToSlice())
				}
			}
		}
		assert.Equal(t, section(t, "Metrics", true), metrics.names())
		for name := range ofMetrics {
			assert.Contains(t, section(t, "Metrics", false), name)
		}
	})
}
