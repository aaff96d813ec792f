package inspect_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry/inspect"
)

// thePages are those that read, with a call's number for %d.
var thePages = []string{
	"/", "/tree", "/tree?sort=age", "/tree?sort=queue", "/tree?sort=rate", "/tree?name=o&state=running", "/waits", "/slow", "/stacks",
	"/stacks?now=yes", "/caller?id=callers/shop", "/call?id=%d", "/snapshot.json", "/snapshot.txt", "/waits.svg", "/style.css", "/live.js",
}

func TestEachPageIsServedWithoutAnythingFromElsewhere(t *testing.T) {
	system := newSystem()
	c := start(t, system, props.Name("shop"))
	hold(t, c, held)
	running := take(t, system).Callers[0].Running
	h := inspect.Handler(system)
	for _, page := range thePages {
		page = strings.ReplaceAll(page, "%d", strconv.FormatUint(running.ID, 10))
		t.Run(page, func(t *testing.T) {
			w := get(h, page)
			require.Equal(t, http.StatusOK, w.Code, w.Body.String())
			assert.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
			assert.NotRegexp(t, `(src|href)="(https?:)?//`, w.Body.String())
			assert.NotRegexp(t, `<script>|style=|onclick=`, w.Body.String())
		})
	}
}

func TestPagesAreFoundHoweverTheHandlerIsMounted(t *testing.T) {
	system := newSystem()
	start(t, system, props.Name("shop"))
	mux := http.NewServeMux()
	mux.Handle("/debug/callers/", inspect.Handler(system))
	mux.Handle("GET /stripped/", http.StripPrefix("/stripped", inspect.Handler(system)))
	for _, path := range []string{"/debug/callers/", "/debug/callers/tree", "/debug/callers/snapshot.json", "/stripped/", "/stripped/tree"} {
		assert.Equal(t, http.StatusOK, get(mux, path).Code, path)
	}
	for _, path := range []string{"/debug/callers/nothing", "/debug/callers/tree/x", "/debug/callers/templates/tree.html", "/stripped/..%2f"} {
		assert.Equal(t, http.StatusNotFound, get(mux, path).Code, path)
	}
}

func TestOnlyThisMachineIsServed(t *testing.T) {
	h := inspect.Handler(newSystem())
	for name, change := range map[string]func(*http.Request){
		"another address":     func(r *http.Request) { r.RemoteAddr = "10.0.0.1:1" },
		"no address":          func(r *http.Request) { r.RemoteAddr = "" },
		"another name":        func(r *http.Request) { r.Host = "evil.example" },
		"another name, port":  func(r *http.Request) { r.Host = "evil.example:80" },
		"no name":             func(r *http.Request) { r.Host = "" },
		"behind a proxy":      func(r *http.Request) { r.Header.Set("X-Forwarded-For", "10.0.0.1") },
		"behind a proxy, new": func(r *http.Request) { r.Header.Set("Forwarded", "for=10.0.0.1") },
	} {
		r := local(http.MethodGet, "/snapshot.json")
		change(r)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		assert.Equal(t, http.StatusForbidden, w.Code, name)
	}
	for _, host := range []string{"localhost", "localhost:80", "127.0.0.1:80", "[::1]:80", "[::1]", "127.9.9.9"} {
		r := local(http.MethodGet, "/")
		r.Host, r.RemoteAddr = host, "[::1]:99"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		assert.Equal(t, http.StatusOK, w.Code, host)
	}
}

func TestAuthorizeDecides(t *testing.T) {
	no := errors.New("not you")
	h := inspect.Handler(newSystem(), inspect.Authorize(func(r *http.Request) error {
		if r.Header.Get("Key") != "right" {
			return no
		}
		return nil
	}))
	r := httptest.NewRequest(http.MethodGet, "http://shop.example/", nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	assert.Equal(t, http.StatusForbidden, w.Code)
	assert.Contains(t, w.Body.String(), "not you")
	r.Header.Set("Key", "right")
	w = httptest.NewRecorder()
	h.ServeHTTP(w, r)
	assert.Equal(t, http.StatusOK, w.Code)
}

// A caller whose id is longer than what is shown is found by what is shown.
func TestCallersWithLongNamesAreFoundAndStopped(t *testing.T) {
	system := newSystem()
	long := strings.Repeat("x", 200)
	top := start(t, system, props.Name(long))
	c, err := top.Child(props.Name(long + "1"))
	require.NoError(t, err)
	other, err := top.Child(props.Name(long + "2"))
	require.NoError(t, err)
	child, err := c.Child(props.Name("child"))
	require.NoError(t, err)
	h := inspect.Handler(system, inspect.AllowActions())
	s := take(t, system)
	require.Len(t, s.Callers, 4)
	shown := s.Callers[1].ID
	require.NotEqual(t, c.ID(), shown)
	page := get(h, "/caller?id="+url.QueryEscape(shown)).Body.String()
	assert.Contains(t, page, "Stop this caller")
	assert.Len(t, take(t, system, inspect.Below(shown)).Callers, 2)
	assert.Contains(t, get(h, "/tree?below="+url.QueryEscape(shown)).Body.String(), ">child<")

	token := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(page)
	require.Len(t, token, 2)
	r := local(http.MethodPost, "/stop?"+url.Values{"id": {shown}, "token": {token[1]}}.Encode())
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Equal(t, http.StatusSeeOther, w.Code, w.Body.String())
	<-child.Stopped()
	<-c.Stopped()
	assert.NotEqual(t, actors.StateStopped, other.State())
}

func TestPagesOnlyRead(t *testing.T) {
	system := newSystem()
	c := start(t, system, props.Name("shop"))
	h := inspect.Handler(system)
	for _, path := range []string{"/", "/tree", "/stop", "/cancel"} {
		r := local(http.MethodPost, path+"?id=callers/shop")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		assert.GreaterOrEqual(t, w.Code, 400, path)
	}
	assert.NotContains(t, get(h, "/caller?id=callers/shop").Body.String(), "Stop this caller")
	assert.Equal(t, actors.StateRunning, c.State())
}

var tokenPattern = regexp.MustCompile(`name="token" value="(\w+)"`)

func TestActionsNeedATokenOfTheSameSite(t *testing.T) {
	system := newSystem()
	c := start(t, system, props.Name("shop"))
	ended := make(chan error, 1)
	p := actors.CallSoon(context.Background(), c, actors.NoResult(func(ctx context.Context) error {
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return ctx.Err()
	}))
	for take(t, system).Callers[0].Running == nil { //nolint:revive // It begins at once.
	}
	h := inspect.Handler(system, inspect.AllowActions())
	post := func(path string, form url.Values, site string) int {
		r := local(http.MethodPost, path)
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(form.Encode())), int64(len(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", site)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	id := strconv.FormatUint(p.ID(), 10)
	token := tokenPattern.FindStringSubmatch(get(h, "/call?id="+id).Body.String())
	require.Len(t, token, 2)
	right := url.Values{"id": {id}, "token": {token[1]}}

	assert.Equal(t, http.StatusMethodNotAllowed, get(h, "/cancel?id="+id+"&token="+token[1]).Code)
	assert.Equal(t, http.StatusForbidden, post("/cancel", right, "cross-site"))
	assert.Equal(t, http.StatusForbidden, post("/cancel", url.Values{"id": {id}, "token": {"x"}}, "same-origin"))
	assert.Equal(t, http.StatusNotFound, post("/cancel", url.Values{"id": {"0"}, "token": right["token"]}, "same-origin"))
	require.False(t, p.Cancelled())
	assert.Equal(t, http.StatusSeeOther, post("/cancel", right, "same-origin"))
	require.ErrorContains(t, <-ended, "cancelled by hand")
	assert.Equal(t, http.StatusSeeOther, post("/stop", url.Values{"id": {"callers/shop"}, "token": right["token"]}, "same-origin"))
	<-c.Stopped()
}

func TestActionCancelsADelayedCall(t *testing.T) {
	system := newSystem()
	c := start(t, system, props.Name("shop"))
	p := actors.CallLater(context.Background(), c, time.Hour, actors.NoResult(func(context.Context) error { return nil }))
	h := inspect.Handler(system, inspect.AllowActions())
	id := strconv.FormatUint(p.ID(), 10)
	token := tokenPattern.FindStringSubmatch(get(h, "/call?id="+id).Body.String())
	require.Len(t, token, 2)
	form := url.Values{"id": {id}, "token": {token[1]}}.Encode()
	r := local(http.MethodPost, "/cancel")
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(form)), int64(len(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	assert.Equal(t, http.StatusSeeOther, w.Code)
	assert.True(t, p.Cancelled())
}

func TestHostileNamesAreText(t *testing.T) {
	system := newSystem()
	c := start(t, system, props.Name("<script>alert(1)<b>"))
	p := actors.Schedule(context.Background(), c, func(ctx context.Context) (int, error) {
		return pending.New[int](ctx, pending.Named("\x1b[31m\"><img src=x onerror=alert(2)>\xff"+strings.Repeat("x", 1e5))).Wait(ctx)
	}, actors.Named("javascript:alert(3)<b>bold"))
	defer p.Cancel(nil)
	for len(take(t, system).Callers[0].Suspended) == 0 { //nolint:revive // It waits at once.
	}
	h := inspect.Handler(system, inspect.TraceURL("http://jaeger/%s"))
	for _, page := range []string{"/", "/tree", "/waits", "/waits.svg", "/slow", "/caller?id=" + url.QueryEscape(c.ID()), "/call?id=" + strconv.FormatUint(p.ID(), 10)} {
		body := get(h, page).Body.String()
		assert.NotContains(t, body, "<script>alert", page)
		assert.NotContains(t, body, "<img", page)
		assert.NotContains(t, body, "<b>bold", page)
		assert.NotContains(t, body, "\x1b", page)
		assert.Less(t, len(body), 20_000, page)
	}
}

func TestEventsAreSentUntilTheClientGoes(t *testing.T) {
	system := newSystem()
	start(t, system, props.Name("shop"))
	server := httptest.NewServer(inspect.Handler(system))
	defer server.Close()
	answer, err := http.Get(server.URL + "/events") //nolint:noctx // It ends with the test.
	require.NoError(t, err)
	defer answer.Body.Close()
	assert.Equal(t, "text/event-stream", answer.Header.Get("Content-Type"))
	lines := bufio.NewScanner(answer.Body)
	var data []string
	for len(data) < 2 && lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			data = append(data, text)
		}
	}
	assert.Equal(t, []string{"nothing unusual", "nothing unusual"}, data)
}

func TestStreamOfEventsDoesNotHoldUpTheShutdownOfItsServer(t *testing.T) {
	server := httptest.NewServer(inspect.Handler(newSystem()))
	defer server.Close()
	answer, err := http.Get(server.URL + "/events") //nolint:noctx // It ends with the server.
	require.NoError(t, err)
	defer answer.Body.Close()
	require.NoError(t, server.Config.Shutdown(t.Context()))
	_, err = io.ReadAll(answer.Body)
	require.NoError(t, err)
}

func FuzzParametersOfTheHandler(f *testing.F) {
	for _, page := range thePages {
		f.Add(page)
	}
	f.Add("/call?id=18446744073709551616")
	f.Add("/tree?name=[[*\\&sort=%00&state=")
	f.Add("//")
	system := newSystem()
	start(f, system, props.Name("shop"))
	h := inspect.Handler(system)
	f.Fuzz(func(t *testing.T, page string) {
		if strings.Contains(page, "events") {
			return // that does not end
		}
		u, err := url.ParseRequestURI("http://localhost/" + page)
		if err != nil {
			return
		}
		r := local(http.MethodGet, "/")
		r.URL = u
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		assert.Less(t, w.Code, 500, "%q: %s", page, w.Body.String())
	})
}

func TestRatesOfAPageWithAFilterDoNotHideThoseOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := newSystem()
		a := start(t, system, props.Name("a"))
		start(t, system, props.Name("b"))
		h := inspect.Handler(system)
		get(h, "/")
		for range 30 {
			require.NoError(t, actors.Do(context.Background(), a, func(context.Context) error { return nil }))
		}
		time.Sleep(2 * time.Second)
		get(h, "/tree?name=b")
		assert.Contains(t, get(h, "/caller?id=callers/a").Body.String(), "15.0 a second")
		time.Sleep(10 * time.Second) // the clock ends
	})
}
