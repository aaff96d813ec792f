package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOwnSiteIsCrawledAsAWhole(t *testing.T) {
	file := newFile(t)
	got := runArgs(t.Context(), "-db", file, "-limit", "50")
	assert.Equal(t, outcome{stdout: "305 pages done, in " + file + "\n"}, got)
	pages := readDatabase(t, file)
	assert.Len(t, pages, 305)
	assert.Equal(t, "Page 299", pages["299"].title)
	assert.Equal(t, http.StatusNotFound, pages["300"].status)

	got = runArgs(t.Context(), "-db", file, "-pages", "3")
	assert.Equal(t, outcome{stdout: "3 pages done, in " + file + "\n"}, got, "the same database again")
}

func TestPagesAndLinksOfAllKinds(t *testing.T) {
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("another host was asked") })
	begin := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/":
			fmt.Fprintf(w, `<TITLE> The &amp; first </TITLE><title>no</title><a href="text">1</a><a href="text#x">2</a>
				<a name="none">3</a><a href="mailto:x@y">4</a><a href="%s">5</a><a href="://">6</a>
				<a href="broken">7</a><a href="moved">8</a><a href="hangup">9</a>`, elsewhere)
		case "/text":
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprint(w, `<a href="never">no link</a>`)
		case "/broken":
			w.WriteHeader(http.StatusInternalServerError)
		case "/moved":
			http.Redirect(w, r, "/sub/page", http.StatusMovedPermanently)
		case "/sub/page":
			fmt.Fprint(w, `<a href="relative">to the place it has moved to</a>`)
		case "/hangup":
			panic(http.ErrAbortHandler)
		default:
			fmt.Fprint(w, "<title>leaf")
		}
	})
	file := newFile(t)
	got := runArgs(t.Context(), "-url", begin, "-db", file)
	assert.Equal(t, statusIncomplete, got.status)
	assert.Equal(t, "crawl: 1 page had no answer, see the column error\n", got.stderr)
	pages := readDatabase(t, file)
	assert.Len(t, pages, 6)
	assert.Equal(t, "The & first", pages[strings.TrimSuffix(strings.TrimPrefix(begin, "http://"), "/")].title)
	assert.Equal(t, "leaf", pages["relative"].title)
	assert.Equal(t, http.StatusInternalServerError, pages["broken"].status)
	assert.Contains(t, pages["hangup"].err, "EOF")
	assert.Zero(t, pages["hangup"].status)
}

func TestNoMorePagesAtTheSameTimeThanAllowed(t *testing.T) {
	const limit = 3
	var serving, served atomic.Int32
	together := make(chan struct{})
	begin := serve(t, func(w http.ResponseWriter, r *http.Request) {
		assert.LessOrEqual(t, serving.Add(1), int32(limit))
		defer serving.Add(-1)
		if served.Add(1) == 1+limit {
			close(together)
		}
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/" {
			for i := range 20 {
				fmt.Fprintf(w, "<a href=%d></a>", i)
			}
			return
		}
		<-together // the first of them wait for each other
	})
	file := newFile(t)
	assert.Equal(t, statusOK, runArgs(t.Context(), "-url", begin, "-db", file, "-limit", "3").status)
	assert.Len(t, readDatabase(t, file), 21)
}

// hanging serves a page with links to others, of which the ones from the number
// quick on never come.
func hanging(t *testing.T, quick int) (begin string, hangs <-chan struct{}) {
	stuck := make(chan struct{}, 100)
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		var n int
		if _, err := fmt.Sscanf(r.URL.Path, "/%d", &n); err == nil && n >= quick {
			stuck <- struct{}{}
			<-r.Context().Done()
			return
		}
		if r.URL.Path == "/" {
			for i := range 50 {
				fmt.Fprintf(w, "<a href=%02d></a>", i)
			}
		}
	}), stuck
}

func TestTimeoutEndsTheCrawl(t *testing.T) {
	begin, _ := hanging(t, 7)
	file := newFile(t)
	got := runArgs(t.Context(), "-url", begin, "-db", file, "-timeout", "300ms")
	assert.Equal(t, statusIncomplete, got.status)
	assert.Contains(t, got.stderr, "not done after 300ms")
	assert.Equal(t, fmt.Sprintf("%d pages done, in %s\n", len(readDatabase(t, file)), file), got.stdout)
}

func TestSiteThatDoesNotAnswerIsReported(t *testing.T) {
	nobody := httptest.NewServer(http.NotFoundHandler())
	nobody.Close()
	file := newFile(t)
	got := runArgs(t.Context(), "-url", nobody.URL, "-db", file)
	assert.Equal(t, statusIncomplete, got.status)
	assert.Equal(t, "1 page done, in "+file+"\n", got.stdout)
	assert.Contains(t, got.stderr, "1 page had no answer")
}

func TestInterruptBeforeTheFirstPage(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	file := newFile(t)
	got := runArgs(ctx, "-db", file)
	assert.Equal(t, statusInterrupted, got.status)
	assert.Equal(t, "0 pages done, in "+file+"\n", got.stdout)
	assert.Empty(t, readDatabase(t, file))
}

// The program itself is interrupted while it waits for pages that never come.
func TestInterruptLeavesAConsistentDatabase(t *testing.T) {
	const quick, limit = 7, 4
	begin, hangs := hanging(t, quick)
	file := newFile(t)
	var stdout, stderr strings.Builder
	program := exec.Command(os.Args[0], "-url", begin, "-db", file, "-limit", fmt.Sprint(limit))
	program.Env = append(os.Environ(), asProgram+"=1")
	program.Stdout, program.Stderr = &stdout, &stderr
	require.NoError(t, program.Start())
	for range limit {
		<-hangs // so all others have been handed out
	}
	require.NoError(t, program.Process.Signal(os.Interrupt))

	var exit *exec.ExitError
	require.ErrorAs(t, program.Wait(), &exit)
	assert.Equal(t, statusInterrupted, exit.ExitCode())
	assert.Equal(t, fmt.Sprintf("%d pages done, in %s\n", 1+quick, file), stdout.String())
	assert.Equal(t, "crawl: interrupted before all pages were fetched\n", stderr.String())
	assert.Len(t, readDatabase(t, file), 1+quick)
}

func TestUnusableArguments(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"an argument":     {[]string{"x"}, `unexpected "x"; try -help`},
		"an unknown flag": {[]string{"-x"}, "flag provided but not defined: -x"},
		"no limit":        {[]string{"-limit", "0"}, "-limit and -pages must be at least 1"},
		"no scheme":       {[]string{"-url", "example.org"}, "-url example.org: it must begin with http:// or https://"},
		"no database":     {[]string{"-db", t.TempDir()}, "unable to open database file"},
	} {
		t.Run(name, func(t *testing.T) {
			got := runArgs(t.Context(), tt.args...)
			assert.Equal(t, statusUsage, got.status)
			assert.Contains(t, got.stderr, tt.want)
			assert.Empty(t, got.stdout)
		})
	}
}

func TestHelp(t *testing.T) {
	assert.Equal(t, outcome{stdout: usage}, runArgs(t.Context(), "-help"))
}
