package inspect_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry/inspect"
)

// serve serves the pages of a scene, and counts the streams of events that are open.
func serve(t *testing.T, s *scene, opts ...inspect.Option) (address string, streams *atomic.Int32) {
	t.Helper()
	streams = new(atomic.Int32)
	opts = append(opts, inspect.TraceURL("http://localhost:16686/trace/%s"))
	pages := inspect.Handler(s.system, opts...)
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/callers/", func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/events") {
			streams.Add(1)
			defer streams.Add(-1)
		}
		pages.ServeHTTP(w, r)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections() // a stream of events has no end
		server.Close()
	})
	return server.URL + "/debug/callers/", streams
}

// The rules of axe-core: all that concern WCAG AA, or those that depend on colors.
const (
	accessible = `["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]`
	contrast   = `["color-contrast"]`
)

// requireAccessible requires that axe-core finds nothing, if the environment says where its
// axe.min.js is.
func requireAccessible(t *testing.T, b *browser, where, rules string) {
	t.Helper()
	file := os.Getenv("AXE")
	if file == "" || strings.HasPrefix(where, "tree-") { // those are like the tree
		return
	}
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	b.run(string(source) + `; ""`)
	found := b.run(`axe.run(document, {runOnly: ` + rules + `}).then(r =>
		JSON.stringify(r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map(n => n.html.slice(0, 300) + " " + n.failureSummary)})), null, 1))`)
	var violations []any
	require.NoError(t, json.Unmarshal([]byte(found), &violations))
	assert.Empty(t, violations, "%s: %s", where, found)
}

// keep writes a picture to the folder that the environment names, if it names one.
func keep(t *testing.T, b *browser, name string) {
	t.Helper()
	picture := b.picture()
	require.Greater(t, len(picture), 2000, "%s is empty", name)
	if folder := os.Getenv("SCREENSHOTS"); folder != "" {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600))
	}
}

func TestPagesInABrowserAreReadableAndWithoutErrors(t *testing.T) {
	b := newBrowser(t)
	s := newScene(t, 1000)
	address, _ := serve(t, s, inspect.AllowActions())
	if os.Getenv("SCREENSHOTS") != "" {
		lookFor(t, s, 13*time.Second)
	}
	for _, page := range [][2]string{
		{"overview", ""},
		{"tree", "tree"},
		{"tree-sorted", "tree?sort=queue"},
		{"tree-filtered", "tree?name=device-1"},
		{"caller", "caller?id=callers/shop/orders"},
		{"caller-hostile", "caller?id=" + url.QueryEscape("callers/"+hostileName)},
		{"call", fmt.Sprintf("call?id=%d", s.orders.ID())},
		{"call-in-circle", fmt.Sprintf("call?id=%d", s.first.ID())},
		{"waits", "waits"},
		{"slow", "slow"},
		{"stacks", "stacks"},
		{"stacks-complete", "stacks?now=yes"},
	} {
		name, path := page[0], page[1]
		b.size(1280, 800, "light")
		b.open(address + path)
		b.requireNoErrors(name)
		requireAccessible(t, b, name, accessible)
		keep(t, b, name)
		b.size(1280, 800, "dark")
		requireAccessible(t, b, name+", dark", contrast)
		keep(t, b, name+"-dark")
		b.size(390, 844, "light")
		requireAccessible(t, b, name+" on a phone", accessible)
		keep(t, b, name+"-phone")
		assert.Equal(t, "fits", b.run(`document.documentElement.scrollWidth <= innerWidth ? "fits" : "is wider: " + document.documentElement.scrollWidth`), name)
	}
}

// lookFor looks at a scene for so long that its calls have ages.
func lookFor(t *testing.T, s *scene, d time.Duration) {
	t.Helper()
	take(t, s.system, inspect.Ages())
	s.late(t)
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second) {
		take(t, s.system, inspect.Ages())
	}
}

func TestPageChangesWhileItIsOpenAndPausesWhenHidden(t *testing.T) {
	b := newBrowser(t)
	s := newScene(t, 20)
	address, streams := serve(t, s)
	b.open(address + "tree?name=late")
	assert.NotContains(t, b.run(`document.querySelector("main").textContent`), "latecomer")
	_, err := actors.Start(s.system, props.Name("latecomer"))
	require.NoError(t, err)
	b.wait(`document.querySelector("main").textContent.includes("latecomer")`)
	require.EqualValues(t, 1, streams.Load())

	for _, step := range []struct {
		script string
		open   int32
	}{
		{`Object.defineProperty(document, "hidden", {value: true, configurable: true}); document.dispatchEvent(new Event("visibilitychange")); ""`, 0},
		{`Object.defineProperty(document, "hidden", {value: false, configurable: true}); document.dispatchEvent(new Event("visibilitychange")); ""`, 1},
		{`document.getElementById("live").click(); ""`, 0},
		{`document.getElementById("live").click(); ""`, 1},
	} {
		b.run(step.script)
		require.Eventually(t, func() bool { return streams.Load() == step.open }, browserTime, 10*time.Millisecond, step.script)
	}
	b.requireNoErrors("live")
}

func TestLockUpIsFoundInThreeClicks(t *testing.T) {
	b := newBrowser(t)
	s := newScene(t, 100)
	address, _ := serve(t, s, inspect.AllowActions())
	b.open(address)
	assert.Contains(t, b.run(`document.getElementById("health").textContent`), "1 circle")
	b.click("Waits")
	assert.Equal(t, "2", b.run(`String(document.querySelectorAll("svg a.circle").length)`))
	b.click("book")
	assert.Contains(t, b.run(`document.querySelector("main").textContent`), "in a circle")
	b.click("Cancel this call")
	_, err := s.first.Wait(context.Background())
	require.Error(t, err)
	b.open(address)
	assert.NotContains(t, b.run(`document.getElementById("health").textContent`), "circle")
}

// manyCalls are more than nodes look into to find out whether one of them can end.
const manyCalls = 65

// clusterScene is three nodes with a circle across two of them, a stream, and a node that
// does not let itself be inspected.
func clusterScene(t *testing.T) *scene {
	t.Helper()
	n := &nodes{Network: actorstest.NewNetwork(t), ctx: t.Context()}
	for _, name := range []string{"10.0.0.1:4242", "10.0.0.2:4242", hostileName} {
		n.add(t, name)
	}
	hidden := n.System("10.0.0.4:4242")
	actorstest.Start(t, hidden, props.Name("clerk"))
	require.NoError(t, rpc.Configure(hidden))
	n.meet(t, hostileName, "10.0.0.4:4242")
	// One of so many calls would be enough that the nodes do not end the circle themselves.
	first := actors.Schedule(n.ctx, n.clerks[0], func(ctx context.Context) (int, error) {
		ask := func() *pending.Pending[int] {
			target := rpc.At("10.0.0.2:4242", "callers/clerk")
			return rpc.Call[[]string, int](ctx, n.systems[0], target, "forward", []string{"10.0.0.1:4242"})
		}
		var calls []*pending.Pending[int]
		for range manyCalls {
			calls = append(calls, ask())
		}
		return pending.Any(ctx, calls...)
	}, actors.Named("begin"))
	require.Eventually(t, func() bool { return len(take(t, n.systems[0], inspect.Nodes()).Across) == 1 }, time.Minute, 10*time.Millisecond)
	t.Cleanup(func() { first.Cancel(nil) })
	return &scene{system: n.systems[0]}
}

func TestPagesOfNodesInABrowserAreReadableAndWithoutErrors(t *testing.T) {
	b := newBrowser(t)
	address, _ := serve(t, clusterScene(t))
	for _, page := range [][2]string{
		{"nodes", "nodes"},
		{"node", "node"},
		{"node-other", "nodes/10.0.0.2:4242/node"},
		{"node-other-overview", "nodes/10.0.0.2:4242/"},
		{"node-hostile", "nodes/" + url.PathEscape(hostileName) + "/node"},
	} {
		name, path := page[0], page[1]
		b.size(1280, 800, "light")
		b.open(address + path)
		b.requireNoErrors(name)
		requireAccessible(t, b, name, accessible)
		keep(t, b, name)
		b.size(1280, 800, "dark")
		requireAccessible(t, b, name+", dark", contrast)
		b.size(390, 844, "light")
		requireAccessible(t, b, name+" on a phone", accessible)
		keep(t, b, name+"-phone")
		assert.Equal(t, "fits", b.run(`document.documentElement.scrollWidth <= innerWidth ? "fits" : "is wider: " + document.documentElement.scrollWidth`), name)
	}
	b.size(1280, 800, "light")
	b.open(address + "nodes")
	assert.Equal(t, strconv.Itoa(manyCalls+2), b.run(`String(document.querySelectorAll("svg a.circle").length)`), "the calls, and two functions")
	b.click("10.0.0.2:4242")
	assert.Contains(t, b.run(`document.querySelector("main").textContent`), "Node 10.0.0.2:4242")
	b.click("This node")
	assert.Contains(t, b.run(`document.querySelector("main").textContent`), "from 10.0.0.1:4242")
	b.click("Back to the node that asks")
	assert.Contains(t, b.run(`document.querySelector("main").textContent`), "other nodes")
	b.requireNoErrors("nodes")
}
