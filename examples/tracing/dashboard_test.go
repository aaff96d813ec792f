package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/internal/served"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// series are those of the page of metrics, by name. Each is its labels.
type series map[string][]map[string]string

// scrape returns what a Prometheus server would collect.
func scrape(t *testing.T, page http.Handler) series {
	t.Helper()
	answer := httptest.NewRecorder()
	page.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	text := expfmt.NewTextParser(model.UTF8Validation)
	families, err := text.TextToMetricFamilies(answer.Body)
	require.NoError(t, err)
	all := make(series)
	for name, family := range families {
		for _, m := range family.GetMetric() {
			of := make(map[string]string)
			for _, label := range m.GetLabel() {
				of[label.GetName()] = label.GetValue()
			}
			if m.GetHistogram() == nil {
				all[name] = append(all[name], of)
				continue
			}
			all[name+"_count"] = append(all[name+"_count"], of)
			bucket := map[string]string{"le": "1"}
			for name, value := range of {
				bucket[name] = value
			}
			all[name+"_bucket"] = append(all[name+"_bucket"], bucket)
		}
	}
	return all
}

// provoke has every metric of the dashboard exported.
func provoke(t *testing.T, tel *telemetry.Telemetry) {
	t.Helper()
	system := actor.NewActorSystem()
	t.Cleanup(system.Shutdown)
	c, err := actors.Start(system, props.Name("it"), props.Telemetry(tel), props.TurnWarning(time.Millisecond))
	require.NoError(t, err)
	ctx := t.Context()
	do := func(fn func(ctx context.Context) (int, error)) {
		_, _ = actors.Schedule(ctx, c, fn).Wait(ctx)
	}
	do(func(ctx context.Context) (int, error) { return actors.ToThread(ctx, c, one).Wait(ctx) })
	do(func(ctx context.Context) (int, error) { return actors.CallSoon(ctx, c, one).WaitSync(ctx) })
	remote := &served.Context{Context: ctx, CodeOf: func(error) string { return "" }}
	_, _ = actors.Schedule(remote, c, func(context.Context) (int, error) { panic("bang") }).Wait(ctx)
	instrument.Of(tel).LongTurn(ctx, time.Second, nil)
	pending.New[int](ctx, pending.ObservedBy(instrument.Of(tel).RemoteCalls("far", "", "callers/it"))).SetResult(1)
	t.Cleanup(func() { assert.NoError(t, c.StopWait(context.Background())) })
}

func one(context.Context) (int, error) { return 1, nil }

// queries returns those of the dashboard, by the titles of their panels.
func queries(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("dashboard.json")
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	all := make(map[string][]string)
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			all[panel.Title] = append(all[panel.Title], strings.ReplaceAll(target.Expr, "$__rate_interval", "1m"))
		}
	}
	return all
}

// unknown returns what a query asks for that is not exported: names of metrics with the values
// of labels, and labels that it groups by.
func unknown(query string, exported series) (missing []string, err error) {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		return nil, err
	}
	selected := make(map[string]bool) // the labels of all series that are selected
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if v, ok := node.(*parser.VectorSelector); ok {
			found := false
			for _, of := range exported[v.Name] {
				if matches(of, v.LabelMatchers) {
					found = true
					for label := range of {
						selected[label] = true
					}
				}
			}
			if !found {
				missing = append(missing, v.String())
			}
		}
		return nil
	})
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if a, ok := node.(*parser.AggregateExpr); ok {
			for _, label := range a.Grouping {
				if !selected[label] {
					missing = append(missing, label)
				}
			}
		}
		return nil
	})
	return missing, nil
}

func matches(of map[string]string, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if m.Name != model.MetricNameLabel && !m.Matches(of[m.Name]) {
			return false
		}
	}
	return true
}

func TestQueriesOfTheDashboardFindTheMetricsThatAreExported(t *testing.T) {
	meters, page, err := newMetrics()
	require.NoError(t, err)
	provoke(t, telemetry.New(telemetry.MeterProvider(meters)))
	exported := scrape(t, page)
	all := queries(t)
	assert.Len(t, all, 12)
	for title, of := range all {
		for _, query := range of {
			missing, err := unknown(query, exported)
			require.NoError(t, err, title)
			assert.Empty(t, missing, "%s: %s", title, query)
		}
	}
	for query, want := range map[string][]string{
		"sum(rate(protocaller_pending_lost_total[1m]))":             {"protocaller_pending_lost_total"},
		"sum by (color) (protocaller_mailbox_length)":               {"color"},
		`protocaller_worker_count{protocaller_worker_state="lazy"}`: {`protocaller_worker_count{protocaller_worker_state="lazy"}`},
	} {
		missing, err := unknown(query, exported)
		require.NoError(t, err)
		assert.Equal(t, want, missing)
	}
}
